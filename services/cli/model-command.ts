/** `tidegauge model inspect`: what is in a model file, whether it runs here, and what a row costs. */
import { Argument, type Command } from 'commander';
import { createOnnxModelRuntime } from '../platform/model/onnx-model-runtime.ts';
import { EXIT_USAGE } from './exit.ts';
import { inspectModel } from './model-inspection.ts';
import { modelJson, modelText } from './model-result.ts';

export function addModelCommand(program: Command): void {
  program
    .command('model')
    .description('what is in a model file, whether it runs here, and what a row costs')
    .addArgument(new Argument('<action>', 'what to do with it').choices(['inspect']))
    .argument('<file>', 'the ONNX file')
    .option('--json', 'print the result as one JSON object on the last line')
    .action(async (_action: string, file: string, options: { readonly json?: true }) => {
      const inspection = await inspectModel(createOnnxModelRuntime(), file);
      process.stdout.write(
        options.json ? `${JSON.stringify(modelJson(inspection))}\n` : modelText(inspection),
      );
      if (inspection.trial.refusal === null) return;
      process.stderr.write(`tidegauge: ${inspection.trial.refusal}\n`);
      process.exitCode = EXIT_USAGE;
    });
}
