/** A replay under a name, on the adapters in memory: begun, gone on with, taken over, cleared away. */
import { describe, expect, it } from 'vitest';
import { NamedReplay } from '../../../services/cli/named-replay.ts';
import type { OpenSource } from '../../../services/cli/replay-source.ts';
import { runTopics } from '../../../services/core/message/topics.ts';
import type { Bundle } from '../../../services/platform/config/load-bundle.ts';
import type { ServicePorts } from '../../../services/platform/lifecycle/service-scope.ts';
import { readNamedRun } from '../../../services/replay/named-run.ts';
import { countedSource } from '../../../services/replay/source.ts';
import {
  EVENT_SCHEMA,
  jsonRecord,
  memoryPorts,
  stationMonitor,
} from '../../support/embedded-run.ts';

const monitor = stationMonitor();
const bundle: Bundle = {
  ...{ directory: '', monitor, eventSchema: EVENT_SCHEMA, writerSchemas: [] },
  ...{ schemaDirectory: null, reference: null, locate: () => ({ line: 1, column: 1 }) },
};
const NAME = { monitor: monitor.name, name: 'r' };

function sourceOf(file: string, recordCount = 500): OpenSource {
  return {
    bus: null,
    parts: async () => ({ file }),
    fix: async () => [{ from: 0, to: null }],
    writerSchema: null,
    read: () =>
      countedSource({
        partitionCount: 1,
        async *records() {
          for (let index = 0; index < recordCount; index += 1) {
            yield jsonRecord({ id: String(index), at: index * 100, level: 1, station: 'Brest' });
          }
        },
      }),
    progress: () => ({ done: 0, total: null, unit: 'record' }),
    close: async () => undefined,
  };
}

const open = (ports: ServicePorts, source = sourceOf('f1'), restart = false) =>
  NamedReplay.open(ports, bundle, source, { name: 'r', restart });

function execute(named: NamedReplay, source = sourceOf('f1'), slow = false) {
  return named.execute({
    source: source.read(bundle, named.record.spans, null),
    signal: new AbortController().signal,
    onProgress: () => undefined,
    ...(slow ? { pace: { kind: 'rate', recordsPerSecond: 200 } } : {}),
  });
}

const untilOpen = (ports: ServicePorts) =>
  expect.poll(async () => (await readNamedRun(ports.store, NAME))?.phase).toBe('open');

const topicCounts = ({ bus }: ServicePorts, id: string) =>
  Promise.all(Object.values(runTopics(monitor, id)).map((topic) => bus.partitionCount(topic)));

describe('a replay under a name', () => {
  it('leaves nothing when it is cleared, and is asked again as long as it is not', async () => {
    const ports = memoryPorts();
    const named = await open(ports);
    const summary = await execute(named);
    expect(summary).toMatchObject({ published: 500, valid: 500 });
    expect((await readNamedRun(ports.store, NAME))?.phase).toBe('finished');

    const again = await open(ports);
    expect(again.record.id).toBe(named.record.id);
    expect(await execute(again)).toEqual(summary);
    expect(await again.clear()).toBeNull();
    expect(await readNamedRun(ports.store, NAME)).toBeNull();
    expect(await topicCounts(ports, named.record.id)).toEqual(Array(8).fill(null));
    expect((await open(ports)).record.id).not.toBe(named.record.id);
  });

  it('is refused when what it wrote has expired', async () => {
    const ports = memoryPorts();
    await execute(await open(ports));
    const bus = { ...ports.bus, offsets: async () => ({ earliest: 9, next: 9 }) };
    const again = await open({ ...ports, bus });
    await expect(execute(again)).rejects.toThrow(/too old to go on; .*--restart/);
  });

  it('refuses another source, and leaves who holds the run alone', async () => {
    const ports = memoryPorts();
    const named = await open(ports);
    const other = sourceOf('f2');
    await expect(open(ports, other)).rejects.toThrow(/file was f1, is f2/);
    expect(await readNamedRun(ports.store, NAME)).toEqual(named.record);
  });

  it('is begun anew where that is asked for, with another source too', async () => {
    const ports = memoryPorts();
    const first = await open(ports);
    await execute(first);
    const other = sourceOf('f2', 30);
    const second = await open(ports, other, true);
    expect(second.record.id).not.toBe(first.record.id);
    expect(await topicCounts(ports, first.record.id)).toEqual(Array(8).fill(null));
    expect(await execute(second, other)).toMatchObject({ published: 30 });
  });

  it('that was killed while it was cleared is begun anew', async () => {
    const ports = memoryPorts();
    const named = await open(ports);
    await execute(named);
    const failing = { ...ports, bus: { ...ports.bus, deleteTopics: () => Promise.reject(gone) } };
    const gone = new Error('the broker is gone');
    const cleared = await open(failing);
    expect(await cleared.clear()).toBe('the broker is gone');
    const next = await open(ports);
    expect(next.record).toMatchObject({ phase: 'preparing' });
    expect(next.record.id).not.toBe(named.record.id);
    expect(await topicCounts(ports, named.record.id)).toEqual(Array(8).fill(null));
  });

  it('stops when another process takes the run over, which then ends it', async () => {
    const ports = memoryPorts();
    const first = await open(ports);
    const stopped = expect(execute(first, sourceOf('f1'), true)).rejects.toThrow(
      /run r is in the hands of another process/,
    );
    await untilOpen(ports);
    const second = await open(ports);
    const summary = execute(second, sourceOf('f1'), true);
    await stopped;
    expect(await summary).toMatchObject({ published: 500, valid: 500 });
    expect(await first.clear()).toMatch(/in the hands of another process/);
    expect((await readNamedRun(ports.store, NAME))?.phase).toBe('finished');
  });

  it('tells its result where the store has lost the run meanwhile', async () => {
    const ports = memoryPorts();
    const named = await open(ports);
    const summary = execute(named, sourceOf('f1'), true);
    await untilOpen(ports);
    await ports.store.forgetRun(`${monitor.name}/r`);
    expect(await summary).toMatchObject({ published: 500 });
    expect(await named.clear()).toMatch(/the store has lost it/);
  });
});
