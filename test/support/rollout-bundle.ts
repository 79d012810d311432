/** A bundle in a folder of its own whose model has versions that come and go while events are scored. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bundle, loadBundle } from '../../services/platform/config/load-bundle.ts';
import {
  createRolloutVersions,
  FEATURES,
  INPUT,
  OUTPUT,
  type RolloutVersions,
} from './rollout-versions.ts';

const EVENT_AVSC = {
  type: 'record',
  name: 'Measurement',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'at', type: 'long' },
    ...FEATURES.map((name) => ({ name, type: 'double' })),
  ],
};

const MONITOR_YAML = `monitor: rollout
topics: { events: rollout.events }
event:
  schema: event.avsc
  id: id
  time: { path: at, unit: ms }
columns:
${FEATURES.map((name) => `  ${name}: { type: numeric }`).join('\n')}
windows: [1m]
drift: { threshold: { numeric: 0.5 } }
model:
  inputs: { ${INPUT}: [${FEATURES.join(', ')}] }
  outputs: { score: { tensor: ${OUTPUT} } }
`;

export interface RolloutBundle extends Omit<RolloutVersions, 'close'> {
  readonly directory: string;
  load(): Promise<Bundle>;
  /** Whatever somebody writes by hand. */
  writeRollout(plan: object): void;
  remove(): Promise<void>;
}

/** `model`: lines of that section of monitor.yaml, besides inputs and outputs. */
export function createRolloutBundle(model: readonly string[]): RolloutBundle {
  const directory = mkdtempSync(join(tmpdir(), 'tidegauge-rollout-'));
  const versions = createRolloutVersions(join(directory, 'models'));
  const lines = model.map((line) => `  ${line}\n`);
  writeFileSync(join(directory, 'monitor.yaml'), MONITOR_YAML + lines.join(''));
  writeFileSync(join(directory, 'event.avsc'), JSON.stringify(EVENT_AVSC));
  return {
    directory,
    put: versions.put,
    ask: versions.ask,
    async load() {
      const result = await loadBundle(directory, { requireReference: false });
      if (result.ok) return result.bundle;
      throw new Error(result.problems.map(({ message }) => message).join('\n'));
    },
    writeRollout(plan) {
      writeFileSync(join(directory, 'models/rollout.json'), JSON.stringify(plan));
    },
    async remove() {
      await versions.close();
      rmSync(directory, { recursive: true });
    },
  };
}
