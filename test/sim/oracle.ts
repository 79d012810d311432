/**
 * The oracle: issues the events of a run, and knows what must become of them.
 *
 * Of fifty seconds of event time, some late, some unreadable, some more than the model can take, some
 * claiming to come from the future; two producers that send the same event, or the same run of
 * events, twice: those are events of their own. On the live stream an event of another day comes last
 * on every partition, so that all others are sealed.
 */

import type { OutgoingRecord } from '../../services/core/message/record.ts';
import { LIVE_RUN } from '../../services/core/message/topics.ts';
import type { Monitor } from '../../services/core/monitor/monitor.ts';
import { tumblingPlan } from '../../services/core/window/window-plan.ts';
import type { ServiceScope } from '../../services/platform/lifecycle/service-scope.ts';
import { createDraw, type Draw } from '../support/draw.ts';
import {
  EVENT_SCHEMA,
  jsonRecord,
  referenceOf,
  type StationEvent,
  stationMonitor,
} from '../support/embedded-run.ts';
import { FAKE_MODEL, POISON_LEVEL } from '../support/fake-model.ts';
import type { Plan } from './plan.ts';

const STATIONS = ['Brest', 'Cuxhaven', 'Newlyn'];
const EVENT_TIME_MS = 50_000;
/** When the drift begins and ends, of 1. */
const DRIFT_FROM = 0.4;
const DRIFT_TO = 0.7;
const FUTURE_SKEW_MS = 60_000;
const TWIN_RUN_MAX = 20;
/** How many events one partition speaks before it falls silent for the others. */
const TURN_EVENTS = 40;

/** A record of the event topic, with its partition. */
export interface IssuedRecord extends Omit<OutgoingRecord, 'topic'> {
  readonly partition: number;
}

/** Event time of what comes last on the live stream. */
export const CLOSING_TIME_MS = 86_400_000;

const monitor: Monitor = stationMonitor({
  slices: ['station'],
  windows: [tumblingPlan(5_000), { lengthMs: 10_000, slideMs: 5_000 }],
  baselines: [{ kind: 'reference' }, { kind: 'trailing', windows: 2 }],
  allowedLatenessMs: 1_500,
  futureSkewMs: FUTURE_SKEW_MS,
  countMin: 10,
  model: FAKE_MODEL,
  alertRules: [
    {
      ...{ name: 'drift', columns: null, baselines: null, severity: 'warning' },
      ...{ forWindows: 1, resolveAfterWindows: 1 },
    },
    {
      ...{ name: 'lasting', columns: null, baselines: null, severity: 'critical' },
      ...{ forWindows: 2, resolveAfterWindows: 2 },
    },
  ],
});

const reference = referenceOf(
  monitor,
  Array.from({ length: 1_000 }, (_, index) => ({
    ...{ id: String(index), at: 0, level: index % 100 },
    station: STATIONS[index % STATIONS.length]!,
  })),
);

export function scopeOf({ world, reviseMs }: Plan): ServiceScope {
  return {
    monitor: { ...monitor, reviseMs, idleTimeoutMs: world === 'silent' ? 60 : 0 },
    run: world === 'replay' ? 'sim' : LIVE_RUN,
    eventSchema: EVENT_SCHEMA,
    writerSchemas: [],
    reference,
  };
}

export function issueEvents(plan: Plan): readonly IssuedRecord[] {
  const draw = createDraw(plan.seed);
  const records = Array.from({ length: plan.eventCount }, (_, index) => issue(plan, index, draw));
  const issued = withTwins(records, draw);
  return plan.world === 'replay' ? issued : [...issued, ...closingEvents(plan)];
}

function issue(plan: Plan, index: number, draw: Draw): IssuedRecord {
  const event = drawEvent(plan, index, draw);
  const record = {
    ...jsonRecord(event, drawPartition(plan, index, draw)),
    timestampMs: timeOf(plan, index),
  };
  return draw(1, 40) === 1 ? { ...record, value: Buffer.from('{"id": ') } : record;
}

function drawEvent(plan: Plan, index: number, draw: Draw): StationEvent {
  const { eventCount } = plan;
  const drifts = index > DRIFT_FROM * eventCount && index < DRIFT_TO * eventCount;
  const isPoison = draw(1, 60) === 1;
  const isMissing = draw(1, 60) === 1;
  const isFuture = draw(1, 60) === 1;
  const level = isPoison ? POISON_LEVEL : isMissing ? null : draw(0, 99) + (drifts ? 60 : 0);
  const at = Math.max(0, timeOf(plan, index) + draw(-2_500, 1_000));
  return {
    ...{ id: String(index), level, station: STATIONS[draw(0, 2)]! },
    at: isFuture ? at + 2 * FUTURE_SKEW_MS : at,
  };
}

function timeOf({ eventCount }: Plan, index: number): number {
  return Math.floor((index * EVENT_TIME_MS) / eventCount);
}

function drawPartition(plan: Plan, index: number, draw: Draw): number {
  const count = partitionCountAt(plan, index);
  if (plan.world === 'silent') return Math.floor(index / TURN_EVENTS) % count;
  return draw(0, count - 1);
}

function partitionCountAt({ partitionCount, growsAtEvent }: Plan, index: number): number {
  return growsAtEvent !== null && index >= growsAtEvent ? partitionCount + 1 : partitionCount;
}

/** Some events are sent once more a little later, and once a whole run of them is. */
function withTwins(records: readonly IssuedRecord[], draw: Draw): readonly IssuedRecord[] {
  const runFrom = draw(0, records.length - 1);
  const run = records.slice(runFrom, runFrom + draw(0, TWIN_RUN_MAX));
  const runAt = runFrom + run.length + draw(0, TWIN_RUN_MAX);
  const twins = new Map<number, IssuedRecord>();
  return records.flatMap((record, index) => {
    if (draw(1, 25) === 1) twins.set(index + draw(1, 10), record);
    const twin = twins.get(index);
    return [record, ...(twin === undefined ? [] : [twin]), ...(index === runAt ? run : [])];
  });
}

function closingEvents(plan: Plan): readonly IssuedRecord[] {
  const count = partitionCountAt(plan, plan.eventCount);
  return Array.from({ length: count }, (_, partition) => ({
    ...jsonRecord(
      { id: `last-${partition}`, at: CLOSING_TIME_MS, level: 1, station: 'Brest' },
      partition,
    ),
    timestampMs: CLOSING_TIME_MS,
  }));
}
