/** A live run on a topic of which one partition stays silent: windows are judged all the same. */
import { describe, expect, it } from 'vitest';
import { reportCodec } from '../../services/core/message/report.ts';
import { LIVE_RUN } from '../../services/core/message/topics.ts';
import { createPipeline } from '../../services/embedded/pipeline.ts';
import { startAll, stopAll } from '../../services/platform/lifecycle/supervise.ts';
import { EVENT_SCHEMA, memoryPorts, stationMonitor } from '../support/embedded-run.ts';

async function reportsAfter(idleTimeoutMs: number, waitMs: number): Promise<readonly number[]> {
  const ports = memoryPorts();
  const monitor = stationMonitor({ idleTimeoutMs });
  const { topics } = monitor;
  await ports.bus.ensureTopics([{ topic: topics.events, partitionCount: 2 }]);
  const components = createPipeline(ports, {
    monitor,
    run: LIVE_RUN,
    eventSchema: EVENT_SCHEMA,
    writerSchemas: [],
    reference: null,
  });
  await startAll(components);
  const record = (at: number) => ({
    topic: topics.events,
    partition: 0,
    key: null,
    value: Buffer.from(JSON.stringify({ id: String(at), at, level: 1, station: 'Brest' })),
    headers: {},
    timestampMs: null,
  });
  await ports.bus.produce([record(1_000), record(2_000), record(25_000)]);
  const deadline = performance.now() + waitMs;
  const counts: number[] = [];
  while (counts.length === 0 && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    const at = { topic: topics.reports, partition: 0 };
    const { next } = await ports.bus.offsets(at);
    for await (const { value } of ports.bus.read(at, 0, next))
      counts.push(reportCodec.decode(value!).count);
  }
  await stopAll(components, 5_000);
  return counts;
}

describe('a silent partition', () => {
  it('is not waited for after the idle timeout', async () => {
    expect(await reportsAfter(300, 10_000)).toEqual([2]);
  });

  it('holds windows back where the timeout is off', async () => {
    expect(await reportsAfter(0, 1_500)).toEqual([]);
  });
});
