/** A folder of versions without any: the model is the single file that the monitor names. */
import type { ModelFolder } from '../../services/platform/model/model-folder.ts';

export const FAKE_FOLDER: ModelFolder = {
  directory: '/models',
  look: async () => ({
    isPresent: true,
    versions: new Map(),
    rollout: null,
    rolloutProblem: null,
    problems: new Map(),
  }),
  lookAt: async (file) => ({ file, kind: 'onnx', goldenFile: null, fingerprint: '1' }),
  readGolden: () => Promise.reject(new Error('there is no golden.json here')),
  updateRollout: () => Promise.reject(new Error('there is no rollout.json here')),
};
