/** A bundle whose `model` section says all it can, and the same with a piece of text replaced. */
import { type BundleFiles, monitorYaml } from './bundle-files.ts';

export const MODEL_YAML = monitorYaml(
  `  file: model.onnx
  version: "1"
  inputs: { float_input: [age, income] }
  outputs:
    score: { tensor: probabilities, index: 1 }
  batch: { rowsMax: 64, runMax: 20ms }
`,
  `  version: "3"
  canary: { version: "4", share: 10% }
  ab: [{ version: 5-b, share: 0.2 }, { version: 5-c, share: 12.5% }]
  shadow: "6"
  inputs: { age: [age], text: [employment, channel] }
  outputs:
    score: { tensor: probabilities, index: 1 }
    limit: { tensor: limits, drift: false }
  batch: { rowsMax: 1, bytesMax: 1024, runMax: 5s }
  runtime: { placement: workers, workers: 3, threads: 4 }
  deadline: 250ms
  fallback: { rule: { limit: "event.loan.amount * 0.5", score: "event.applicant.age > 60 ? 1 : 0" } }
  circuit: { failures: 100%, rows: 10, openFor: 1m }
  cache: { entries: 100, ttl: 1d }
  lists: { blocked: lists/blocked.txt, partners: partners.txt }
  policies:
    - { name: blocked, when: 'event.applicationId in lists.blocked', set: { score: 1, limit: 0 } }
    - { name: bounds, bounds: { score: [0.01, 0.99], limit: [null, 5000] } }
    - { name: tests, when: 'event.channel == "test"', suppress: true }
    - { name: surcharge, set: { score: 'output.score * 1.1 - raw.limit' } }
`,
);

export const MODEL_FILES: BundleFiles = {
  'monitor.yaml': MODEL_YAML,
  'model.onnx': null,
  'models/3/model.onnx': '',
  'models/4/ensemble.yaml': '',
  'models/5-b/model.onnx': '',
  'models/5-c/model.onnx': '',
  'models/6/model.onnx': '',
  'lists/blocked.txt': '# people\r\n  a-1 \r\n\r\nb 2\nb 2',
  'partners.txt': '\uFEFFacme\n#tail\n',
};

/** Its line. */
export const FALLBACK = MODEL_YAML.split('\n').find((line) => line.startsWith('  fallback:'))!;

/** The full one with a piece of text replaced, which must be there. */
export function modelBundle(replaced: string, by: string, files: BundleFiles = {}): BundleFiles {
  if (!MODEL_YAML.includes(replaced)) throw new Error(`no ${replaced} in the full monitor.yaml`);
  return { ...MODEL_FILES, 'monitor.yaml': MODEL_YAML.replace(replaced, () => by), ...files };
}
