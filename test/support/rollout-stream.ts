/**
 * A constant stream of events through a real inference-worker on a memory bus, in real time: workers
 * that are started, stopped and crashed beside it, threads that die, and all that was acknowledged and
 * answered.
 */
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { BroadcastChannel } from 'node:worker_threads';
import { CodedError } from '../../services/core/errors.ts';
import { HEADER } from '../../services/core/message/header.ts';
import { encodeOrigin } from '../../services/core/message/origin.ts';
import type { OutgoingRecord } from '../../services/core/message/record.ts';
import { derivedTopicSpecs, LIVE_RUN } from '../../services/core/message/topics.ts';
import {
  createInferenceWorker,
  type InferenceWorker,
} from '../../services/inference-worker/inference-worker.ts';
import type { Bus } from '../../services/platform/bus/bus.ts';
import type { Bundle } from '../../services/platform/config/load-bundle.ts';
import type { ModelRuntime } from '../../services/platform/model/model-runtime.ts';
import { createOnnxModelRuntime } from '../../services/platform/model/onnx-model-runtime.ts';
import { createMemoryTelemetry } from '../../services/platform/telemetry/memory-telemetry.ts';
import { memoryPorts } from './embedded-run.ts';
import { compileModelWorkerEntry } from './model-worker-entry.ts';
import { FEATURES } from './rollout-versions.ts';

export const PARTITIONS = [0, 1, 2] as const;
const TICK_MS = 4;
/** One record in so many is no event. */
const BROKEN_EVERY = 97;

/** Of the event at an offset of a partition. */
export function featuresOf(partition: number, offset: number): readonly number[] {
  const n = partition * 1_000_003 + offset;
  return FEATURES.map((_, index) => ((n * (7_919 + 104 * index)) % 2_001) / 1_000 - 1);
}

export function idOf(partition: number, offset: number): string {
  return `${partition}/${offset}`;
}

export function isBroken(offset: number): boolean {
  return offset % BROKEN_EVERY === BROKEN_EVERY - 1;
}

export interface RolloutWorker {
  readonly component: InferenceWorker;
  readonly telemetry: ReturnType<typeof createMemoryTelemetry>;
  /** Lets it send predictions once more and not hear of it; resolves when it is gone. */
  crash(): Promise<void>;
}

export interface RolloutStream {
  readonly bus: Bus;
  /** Acknowledged, by partition. */
  readonly acknowledged: readonly number[];
  setRate(eventsPerSecond: number): void;
  start(): Promise<RolloutWorker>;
  /** Every thread that runs a model now ends when it gets its next batch. */
  killThreads(): void;
  /** Batches that were lost with their thread. */
  lostBatches(): number;
  /** No further events; resolves when the last one is acknowledged. */
  end(): Promise<void>;
  close(): Promise<void>;
}

export async function createRolloutStream({
  monitor,
  eventSchema,
}: Bundle): Promise<RolloutStream> {
  const { topics } = monitor;
  const entry = compileModelWorkerEntry();
  const orders = new BroadcastChannel(randomUUID());
  const runtime = createOnnxModelRuntime({ workerEntry: mortalEntry(entry, orders.name) });
  let lostBatches = 0;
  const ports = memoryPorts();
  const { bus } = ports;
  await bus.ensureTopics([
    { topic: topics.events, partitionCount: PARTITIONS.length },
    ...derivedTopicSpecs(topics, PARTITIONS.length),
  ]);
  const acknowledged = PARTITIONS.map(() => 0);
  let eventsPerMs = 0;
  let isEnded = false;

  /** `offset` of the event topic; the validator would have written it so. */
  function validRecord(partition: number, offset: number): OutgoingRecord {
    const values = featuresOf(partition, offset);
    const features = Object.fromEntries(FEATURES.map((name, index) => [name, values[index]]));
    const event = { id: idOf(partition, offset), at: 1_000 + offset, ...features };
    const text = isBroken(offset) ? 'neither JSON nor Avro' : JSON.stringify(event);
    return {
      ...{ topic: topics.valid, partition, key: Buffer.from(event.id), timestampMs: null },
      value: Buffer.from(text),
      headers: { [HEADER.origin]: encodeOrigin({ topic: topics.events, partition, offset }) },
    };
  }

  async function produce(): Promise<void> {
    let dueMs = performance.now();
    let due = 0;
    while (!isEnded) {
      await ports.clock.sleep(TICK_MS);
      const nowMs = performance.now();
      due += (nowMs - dueMs) * eventsPerMs;
      dueMs = nowMs;
      const records: OutgoingRecord[] = [];
      const next = [...acknowledged];
      for (; due >= 1; due -= 1) {
        const partition = records.length % PARTITIONS.length;
        records.push(validRecord(partition, next[partition]!));
        next[partition]! += 1;
      }
      if (records.length === 0) continue;
      await bus.produce(records);
      for (const partition of PARTITIONS) acknowledged[partition] = next[partition]!;
    }
  }
  const producing = produce();

  async function start(): Promise<RolloutWorker> {
    const mortal = createMortalBus(bus, topics.predictions);
    const telemetry = createMemoryTelemetry({ tracing: false });
    const component = createInferenceWorker(
      {
        ...{ ...ports, bus: mortal.bus, telemetry },
        modelRuntime: watchLosses(runtime, () => {
          lostBatches += 1;
        }),
      },
      { monitor, run: LIVE_RUN, eventSchema, writerSchemas: [], reference: null },
    );
    await component.start();
    return {
      component,
      telemetry,
      async crash() {
        mortal.crash();
        await component.finished.catch(() => undefined);
      },
    };
  }

  return {
    bus,
    acknowledged,
    setRate(eventsPerSecond) {
      eventsPerMs = eventsPerSecond / 1_000;
    },
    start,
    killThreads: () => orders.postMessage('die'),
    lostBatches: () => lostBatches,
    async end() {
      isEnded = true;
      await producing;
    },
    async close() {
      isEnded = true;
      await producing;
      await bus.close();
      orders.close();
      entry.remove();
    },
  };
}

/** The worker's entry in a thread that ends, once it was ordered to, before it runs the next batch. */
function mortalEntry(entry: ReturnType<typeof compileModelWorkerEntry>, orders: string): URL {
  const file = join(entry.directory, 'mortal-worker.mjs');
  const source = `
    import { BroadcastChannel, parentPort } from 'node:worker_threads';
    let isDoomed = false;
    const orders = new BroadcastChannel(${JSON.stringify(orders)});
    orders.onmessage = () => { isDoomed = true; };
    orders.unref();
    parentPort.on('message', ({ kind }) => { if (kind === 'run' && isDoomed) process.exit(9); });
    await import(${JSON.stringify(entry.url.href)});
  `;
  writeFileSync(file, source);
  return pathToFileURL(file);
}

function watchLosses(runtime: ModelRuntime, onLost: () => void): ModelRuntime {
  return {
    coreCount: runtime.coreCount,
    async load(options) {
      const model = await runtime.load(options);
      const run: typeof model.run = (batch, runOptions) =>
        model.run(batch, runOptions).catch((error: unknown) => {
          if (error instanceof CodedError && error.code === 'inference.worker') onLost();
          throw error;
        });
      return new Proxy(model, {
        get: (target, name) => (name === 'run' ? run : Reflect.get(target, name, target)),
      });
    },
  };
}

/** A bus for one process: after `crash` it sends to `lastTopic` once more, and the process ends by that. */
function createMortalBus(bus: Bus, lastTopic: string): { readonly bus: Bus; crash(): void } {
  let isCrashing = false;
  return {
    bus: {
      ...bus,
      async produce(records) {
        await bus.produce(records);
        const isLast = isCrashing && records.some(({ topic }) => topic === lastTopic);
        if (isLast) throw new Error('the process has crashed');
      },
    },
    crash() {
      isCrashing = true;
    },
  };
}
