/** A whole pipeline on the memory adapters, for tests that care about what comes out. */
import type { Monitor } from '../../services/core/monitor/monitor.ts';
import type { Reference } from '../../services/core/monitor/reference.ts';
import { type ColumnSketch, createColumnSketch } from '../../services/core/sketch/column-sketch.ts';
import { tumblingPlan } from '../../services/core/window/window-plan.ts';
import { executeRun } from '../../services/embedded/execute-run.ts';
import { createMemoryBus } from '../../services/platform/bus/memory-bus.ts';
import { createSystemClock } from '../../services/platform/clock/system-clock.ts';
import type {
  ServicePorts,
  ServiceScope,
} from '../../services/platform/lifecycle/service-scope.ts';
import { createEnsembleRuntime } from '../../services/platform/model/ensemble-runtime.ts';
import { createFileModelFolder } from '../../services/platform/model/file-model-folder.ts';
import { createOnnxModelRuntime } from '../../services/platform/model/onnx-model-runtime.ts';
import { createMemoryStateStore } from '../../services/platform/store/memory-state-store.ts';
import { createMemoryTelemetry } from '../../services/platform/telemetry/memory-telemetry.ts';
import type { RunSummary } from '../../services/replay/run-observer.ts';
import { countedSource, type ReplayRecord } from '../../services/replay/source.ts';

export const EVENT_SCHEMA = {
  type: 'record',
  name: 'Measurement',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'at', type: 'long' },
    { name: 'level', type: ['null', 'double'], default: null },
    { name: 'station', type: 'string' },
  ],
} as const;

export interface StationEvent {
  readonly id: string;
  readonly at: number;
  readonly level: number | null;
  readonly station: string;
}

/** A monitor of one numeric and one categorical column, ten-second windows, without a model. */
export function stationMonitor(changes: Partial<Monitor> = {}): Monitor {
  const column = {
    required: false,
    minimum: null,
    maximum: null,
    allowed: null,
    pattern: null,
  } as const;
  const threshold = 0.3;
  return {
    name: 'stations',
    topics: {
      events: 'stations.events',
      valid: 'stations.valid',
      quarantine: 'stations.quarantine',
      predictions: 'stations.predictions',
      shadow: 'stations.shadow',
      panes: 'stations.panes',
      reports: 'stations.reports',
      alerts: 'stations.alerts',
    },
    id: ['id'],
    eventTime: { path: ['at'], unit: 'ms' },
    allowedLatenessMs: 0,
    reviseMs: 0,
    futureSkewMs: 0,
    idleTimeoutMs: 0,
    columns: [
      {
        ...{ ...column, name: 'level', path: ['level'], type: 'numeric', role: 'feature' },
        drift: { kind: 'threshold', distance: 'ks', threshold },
      },
      {
        ...{ ...column, name: 'station', path: ['station'], type: 'categorical', role: 'feature' },
        drift: { kind: 'threshold', distance: 'l_infinity', threshold },
      },
    ],
    slices: [],
    relations: [],
    windows: [tumblingPlan(10_000)],
    baselines: [{ kind: 'reference' }],
    distances: [],
    sets: [],
    countMin: 20,
    falseAlarms: null,
    model: null,
    alertRules: [
      {
        ...{ name: 'drift', columns: null, baselines: null, severity: 'warning' },
        ...{ forWindows: 1, resolveAfterWindows: 1 },
      },
    ],
    ...changes,
  };
}

export function referenceOf(monitor: Monitor, events: readonly StationEvent[]): Reference {
  const sketches = (rows: readonly StationEvent[]) =>
    new Map<string, ColumnSketch>(
      monitor.columns.map((column) => {
        const sketch = createColumnSketch(column.type);
        for (const event of rows) {
          const cell = event[column.name as keyof StationEvent];
          if (cell === null) sketch.addMissing();
          else if (sketch.kind === 'numeric') sketch.add(Number(cell));
          else sketch.add(String(cell));
        }
        return [column.name, sketch];
      }),
    );
  const stations = [...new Set(events.map((event) => event.station))];
  return {
    rowCount: events.length,
    columns: sketches(events),
    slices: new Map(
      monitor.slices.flatMap((slice) =>
        stations.map((station) => [
          `${slice}=${station}`,
          sketches(events.filter((event) => event.station === station)),
        ]),
      ),
    ),
    calibrations: new Map(),
    sets: new Map(),
  };
}

export function memoryPorts(): ServicePorts & {
  readonly telemetry: ReturnType<typeof createMemoryTelemetry>;
} {
  const clock = createSystemClock();
  return {
    clock,
    bus: createMemoryBus({ clock }),
    store: createMemoryStateStore(),
    telemetry: createMemoryTelemetry(),
    modelRuntime: createEnsembleRuntime(createOnnxModelRuntime()),
    openModelFolder: createFileModelFolder,
    schemaSource: null,
  };
}

export function jsonRecord(event: object, partition = 0): ReplayRecord {
  return {
    partition,
    key: null,
    value: Buffer.from(JSON.stringify(event)),
    headers: {},
    timestampMs: null,
  };
}

export async function runRecords(options: {
  readonly monitor: Monitor;
  readonly reference: Reference | null;
  readonly records: readonly ReplayRecord[];
  readonly partitionCount: number;
  readonly eventSchema?: unknown;
  readonly ports?: ServicePorts;
}): Promise<RunSummary> {
  const { monitor, reference, records, partitionCount } = options;
  const scope: ServiceScope = {
    monitor,
    run: 'test',
    eventSchema: options.eventSchema ?? EVENT_SCHEMA,
    writerSchemas: [],
    reference,
  };
  return executeRun(options.ports ?? memoryPorts(), scope, {
    source: countedSource({
      partitionCount,
      async *records() {
        yield* records;
      },
    }),
    signal: new AbortController().signal,
    onProgress: () => undefined,
  });
}
