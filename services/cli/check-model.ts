/** Loads a bundle's model for real and says whether it fits the monitor. */
import { CodedError } from '../core/errors.ts';
import { checkModelFits } from '../platform/config/check-model-fits.ts';
import type { Bundle } from '../platform/config/load-bundle.ts';
import { MONITOR_FILE } from '../platform/config/monitor-file.ts';
import { formatPath, type Problem } from '../platform/config/problem.ts';
import { createOnnxModelRuntime } from '../platform/model/onnx-model-runtime.ts';

export async function checkBundleModel(bundle: Bundle): Promise<readonly Problem[]> {
  const { monitor, locate } = bundle;
  if (monitor.model === null) return [];
  const { file } = monitor.model;
  try {
    const model = await createOnnxModelRuntime().load({
      file,
      placement: 'inline',
      workerCount: 1,
    });
    const problems = checkModelFits(monitor, model.description, locate);
    await model.close();
    return problems;
  } catch (error) {
    if (!(error instanceof CodedError) || error.code !== 'configuration.model') throw error;
    const path = ['model', 'file'];
    return [
      { file: MONITOR_FILE, ...locate(path), path: formatPath(path), message: error.message },
    ];
  }
}
