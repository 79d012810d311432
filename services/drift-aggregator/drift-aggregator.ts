/**
 * The drift-aggregator's shell: reads valid events and predictions, keeps one pane book per input
 * partition, writes sealed and late panes.
 *
 * **Every event and every prediction is counted in exactly one pane, whatever is killed.**
 */
import { createEventReader } from '../core/codec/event-reader.ts';
import type { PaneSource } from '../core/message/pane.ts';
import { predictionCodec } from '../core/message/prediction.ts';
import type { BusRecord } from '../core/message/record.ts';
import { LIVE_RUN, runTopics } from '../core/message/topics.ts';
import {
  createSliceKeys,
  eventColumns,
  predictionColumns,
} from '../core/monitor/measured-columns.ts';
import { measuredSets } from '../core/monitor/measured-sets.ts';
import { monitorPaneLengthMs } from '../core/monitor/windows.ts';
import type { Assignment } from '../platform/bus/bus.ts';
import type { Component } from '../platform/lifecycle/component.ts';
import { ensureRunTopics } from '../platform/lifecycle/run-topics.ts';
import type { ServicePorts, ServiceScope } from '../platform/lifecycle/service-scope.ts';
import { createStatefulService } from '../platform/lifecycle/stateful-service.ts';
import { WriterSchemas } from '../platform/registry/writer-schemas.ts';
import type { Measurement } from './aggregate.ts';
import { createAggregatorEvents } from './events.ts';
import type { PaneBookSet } from './open-pane.ts';
import { rebuildFromPanes } from './rebuild.ts';
import { AggregatorShard } from './shard.ts';
import { restoreShard } from './state.ts';

const NAME = 'drift-aggregator';

type Measured = Omit<Measurement, 'place'>;

export function createDriftAggregator(ports: ServicePorts, scope: ServiceScope): Component {
  const { bus, telemetry } = ports;
  const { monitor, run } = scope;
  const topics = runTopics(monitor, run);
  const reader = createEventReader({
    schema: scope.eventSchema,
    writerSchemas: scope.writerSchemas,
    mapping: monitor,
    needsRoot: false,
  });
  const writerSchemas = new WriterSchemas(ports.schemaSource, reader);
  const sliceKeys = createSliceKeys(monitor);
  const measured = eventColumns(monitor);
  const outputColumns = predictionColumns(monitor);
  const unsaid = outputColumns.map(() => null);
  const sets = measuredSets(monitor, scope.reference).map(
    ({ name, columns, reference }): PaneBookSet => ({
      name,
      specification: reference.specification,
      cellIndices: columns.map((each) => measured.findIndex((column) => column.name === each)),
    }),
  );
  const sources = {
    events: {
      columns: measured,
      sets,
      measure: measureEvent,
      events: createAggregatorEvents(telemetry, 'events'),
    },
    predictions: {
      columns: outputColumns,
      sets: [],
      measure: measurePrediction,
      events: createAggregatorEvents(telemetry, 'predictions'),
    },
  };

  return createStatefulService({
    name: NAME,
    monitor: monitor.name,
    run,
    topics: monitor.model === null ? [topics.valid] : [topics.valid, topics.predictions],
    ...ports,
    prepare: async () => void (await ensureRunTopics(bus, topics)),
    prepareBatch: async (records, context) => {
      if (records[0]?.topic !== topics.valid) return;
      await context.retry('fetch writer schemas', () => writerSchemas.fetchFor(records));
    },
    restore: (assignment, entries) => {
      const options = shardOptions(assignment);
      return new AggregatorShard(options, restoreShard(entries, options));
    },
    rebuild: async (assignment) => {
      const options = shardOptions(assignment);
      const { restored, start } = await rebuildFromPanes(bus, topics.panes, options);
      return { processor: new AggregatorShard(options, restored), start };
    },
  });

  function shardOptions(assignment: Assignment) {
    const source: PaneSource = assignment.topic === topics.valid ? 'events' : 'predictions';
    return {
      monitor: monitor.name,
      source,
      partition: assignment.partition,
      paneLengthMs: monitorPaneLengthMs(monitor),
      allowedLatenessMs: monitor.allowedLatenessMs,
      run,
      panesTopic: topics.panes,
      // Silence is a matter of the wall clock, which a replay must not depend on.
      idleTimeoutMs: run === LIVE_RUN ? monitor.idleTimeoutMs : 0,
      ...sources[source],
    };
  }

  function measureEvent(record: BusRecord): Measured | null {
    const outcome = reader.read(record.value);
    if (outcome.kind !== 'event') return null;
    const { eventTimeMs, cells } = outcome.event;
    return {
      eventTimeMs,
      cells: measured.map((column) => cells[column.cellIndex] ?? null),
      slices: sliceKeys(cells),
    };
  }

  /**
   * What the model said, before any policy: that is what drifts. Where something stood in for it, the
   * outputs are missing. What is no prediction of ours was written by somebody else: counted as
   * unreadable, never fatal.
   */
  function measurePrediction(record: BusRecord): Measured | null {
    const prediction = record.value === null ? null : predictionCodec.tryDecode(record.value);
    if (prediction === null) return null;
    const { eventTimeMs, rawOutputs, slices } = prediction;
    return { eventTimeMs, cells: rawOutputs.length === 0 ? unsaid : rawOutputs, slices };
  }
}
