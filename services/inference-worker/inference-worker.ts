/**
 * The inference-worker's shell: reads valid events, has them scored in micro-batches across
 * partitions, writes predictions in the partition and order of the events, and only then commits
 * offsets.
 *
 * **Every valid event ends in exactly one of `predictions` and `quarantine`; a crash repeats a
 * contiguous run, which consumers drop by `tg-origin`.**
 *
 * Reading and answering go on side by side: a turn takes what has arrived or what has been answered,
 * whichever is there first. Where the queues are full nothing is read, which pauses the partitions.
 */
import { createEventReader, type DecodedEvent } from '../core/codec/event-reader.ts';
import { CodedError } from '../core/errors.ts';
import { POLL_RECORDS_MAX, POLL_WAIT_MS, QUEUE_ROWS_MAX } from '../core/limits.ts';
import { originOf } from '../core/message/origin.ts';
import { OriginFilter } from '../core/message/origin-filter.ts';
import { type BusRecord, type OutgoingRecord, withTraceparent } from '../core/message/record.ts';
import { LIVE_RUN, runTopics } from '../core/message/topics.ts';
import type { Assignment, RecordBatch, Subscription } from '../platform/bus/bus.ts';
import type { InferenceBackend } from '../platform/http/inference-backend.ts';
import type { Component } from '../platform/lifecycle/component.ts';
import {
  createConsumingService,
  type TurnContext,
} from '../platform/lifecycle/consuming-service.ts';
import { ensureRunTopics } from '../platform/lifecycle/run-topics.ts';
import type { ServicePorts, ServiceScope } from '../platform/lifecycle/service-scope.ts';
import { groupName } from '../platform/lifecycle/stateful-service.ts';
import { WriterSchemas } from '../platform/registry/writer-schemas.ts';
import { AnswerLine, type Slot } from './answer-line.ts';
import { createBatchTracing } from './batch-tracing.ts';
import { circuitAlert } from './circuit-alert.ts';
import { createInferenceEvents } from './events.ts';
import { type Answer, createRecordRouter } from './route.ts';
import type { ScoreRow } from './score-row.ts';
import { createScoring } from './scoring.ts';

const NAME = 'inference-worker';

export interface InferenceWorker extends Component {
  /** The same models and queues, for callers beside the bus. */
  readonly backend: InferenceBackend;
}

export function createInferenceWorker(ports: ServicePorts, scope: ServiceScope): InferenceWorker {
  const { bus, clock, telemetry } = ports;
  const { monitor, run } = scope;
  const spec = monitor.model;
  if (spec === null) {
    throw new CodedError('configuration.invalid', `monitor ${monitor.name} has no model to run`);
  }
  const topics = runTopics(monitor, run);
  const group = groupName(monitor.name, NAME, run);
  const events = createInferenceEvents(telemetry);
  const reader = createEventReader({
    schema: scope.eventSchema,
    writerSchemas: scope.writerSchemas,
    mapping: monitor,
    needsRoot: spec.policies.length > 0 || spec.fallback?.kind === 'rule',
  });
  const writerSchemas = new WriterSchemas(ports.schemaSource, reader);
  const router = createRecordRouter({ run, topics, monitor, reader });
  const tenures = new Map<string, Tenure>();
  /** Beside the predictions: what shadows said, and alerts. Nothing waits for them. */
  let asides: OutgoingRecord[] = [];
  let polling: Promise<readonly RecordBatch[]> | null = null;
  let waiting = 0;
  let wake = (): void => undefined;
  let failure: { readonly error: unknown } | null = null;
  const isLive = run === LIVE_RUN;
  const tracing = createBatchTracing(telemetry, {
    service: NAME,
    monitor: monitor.name,
    topic: topics.valid,
    group,
  });
  const alertSource = { monitor: monitor.name, service: NAME, topic: topics.alerts };
  const scoring = createScoring({
    monitor,
    spec,
    clock,
    modelRuntime: ports.modelRuntime,
    modelFolder: ports.openModelFolder(spec.versionsDirectory),
    isLive,
    events,
    onBatchStart: (batch, { version }, requests) =>
      tracing.start(batch, { version, variant: scoring.variantOf(version) }, requests),
    onBatchEnd: (batch, error) => tracing.end(batch, error),
    onShadow: (answer) => sendAside(router.shadow(answer)),
    onCircuit: (version, state, nowMs) =>
      sendAside(circuitAlert(alertSource, { version, state, nowMs })),
  });

  function sendAside(record: OutgoingRecord): void {
    asides.push(record);
    wake();
  }

  const service = createConsumingService({
    name: NAME,
    clock,
    logger: telemetry.logger(NAME),
    prepare: async () => {
      await ensureRunTopics(bus, topics);
      await scoring.start();
    },
    subscribe: () =>
      bus.subscribe({
        group,
        topics: [topics.valid],
        onAssigned: async (assignment) => {
          tenures.set(keyOf(assignment), createTenure(assignment));
          return 'committed';
        },
        onRevoked: (assignment) => {
          waiting -= tenures.get(keyOf(assignment))?.line.length ?? 0;
          tenures.delete(keyOf(assignment));
        },
      }),
    turn: takeTurn,
    drain,
    dispose: () => scoring.close(),
  });

  async function takeTurn(subscription: Subscription, context: TurnContext): Promise<void> {
    const woken = nextWake();
    if (waiting + POLL_RECORDS_MAX <= QUEUE_ROWS_MAX && scoring.hasRoom(POLL_RECORDS_MAX)) {
      polling ??= poll(subscription);
    }
    if (!isAnswered(subscription)) {
      const pause = new AbortController();
      await Promise.race([polling ?? clock.sleep(POLL_WAIT_MS, pause.signal), woken]);
      pause.abort();
    }
    const batches = polling === null ? null : await settledValue(polling);
    if (batches !== null) {
      polling = null;
      for (const { records } of batches) {
        await context.retry('fetch writer schemas', () => writerSchemas.fetchFor(records));
      }
      // Without a pause between them, so that the rows of all partitions share batches.
      for (const batch of batches) admit(batch);
    }
    await sendAnswers(subscription, context);
    if (failure !== null) throw failure.error;
  }

  /** What is answered leaves at once: a stop may not have the time for all of it. */
  async function drain(subscription: Subscription, context: TurnContext): Promise<void> {
    const drained = scoring.drain().then(() => true);
    for (let isOver = false; !isOver; ) {
      const woken = nextWake();
      if (isAnswered(subscription)) await sendAnswers(subscription, context);
      else isOver = await Promise.race([drained, woken.then(() => false)]);
      if (failure !== null) throw failure.error;
    }
  }

  function nextWake(): Promise<void> {
    return new Promise((resolve) => {
      wake = resolve;
    });
  }

  function poll(subscription: Subscription): Promise<readonly RecordBatch[]> {
    const polled = subscription.poll({ recordsMax: POLL_RECORDS_MAX, waitMs: POLL_WAIT_MS });
    // Whoever takes the turn hears of a failure; after the last turn nobody does.
    polled.catch(() => undefined);
    return polled;
  }

  function admit({ assignment, records }: RecordBatch): void {
    const tenure = tenures.get(keyOf(assignment));
    if (tenure === undefined) return;
    const arrivedMs = clock.monotonicMs();
    const rows: ScoreRow[] = [];
    const taken: { readonly record: BusRecord; readonly event: DecodedEvent; slot: Slot }[] = [];
    for (const record of records) {
      if (!tenure.origins.advance(originOf(record))) {
        events.eventRepeated();
        continue;
      }
      const work = router.workOf(record);
      const slot = tenure.line.take(record.offset);
      waiting += 1;
      if (work.kind === 'row') {
        const { id, cells, root, eventTimeMs } = work.event;
        rows.push({ id, cells, root, source: { record, eventTimeMs } });
        taken.push({ record, event: work.event, slot });
      } else {
        slot.answer = sayAnswer(router.answer(record, work));
      }
    }
    scoring.score(rows, (index, answer, batch) => {
      const { record, event, slot } = taken[index]!;
      const latencyMs = clock.monotonicMs() - arrivedMs;
      try {
        const scored = { answer, latencyMs, isSplit: scoring.isSplit() };
        const routed = sayAnswer(router.answerRow(record, event, scored));
        slot.answer = withTraceparent(routed, tracing.traceparentOf(batch));
        if (answer.kind === 'answered') events.eventPredicted(answer);
      } catch (error) {
        failure ??= { error };
      }
      wake();
    });
  }

  function sayAnswer(answer: Answer): OutgoingRecord {
    if (answer.kind === 'refused') events.eventQuarantined(answer.rejection);
    return answer.record;
  }

  function isAnswered(subscription: Subscription): boolean {
    if (asides.length > 0 || failure !== null) return true;
    return [...tenures.values()].some(
      ({ assignment, line }) => line.answered(1).length > 0 && subscription.owns(assignment),
    );
  }

  async function sendAnswers(subscription: Subscription, context: TurnContext): Promise<void> {
    const leaving: { readonly tenure: Tenure; readonly count: number; nextOffset: number }[] = [];
    const outgoing: OutgoingRecord[] = [];
    for (const tenure of tenures.values()) {
      // A tenure that ended is not ours to answer for: its next owner reads it again.
      if (!subscription.owns(tenure.assignment)) continue;
      const slots = tenure.line.answered(Number.POSITIVE_INFINITY);
      if (slots.length === 0) continue;
      for (const slot of slots) outgoing.push(slot.answer!);
      leaving.push({ tenure, count: slots.length, nextOffset: slots.at(-1)!.offset + 1 });
    }
    const beside = asides;
    asides = [];
    if (outgoing.length + beside.length > 0) {
      await context.retry('send', () => bus.produce([...outgoing, ...beside]));
      events.answersSent();
    }
    for (const { tenure, count, nextOffset } of leaving) {
      tenure.line.sent(count);
      if (tenures.get(keyOf(tenure.assignment)) === tenure) waiting -= count;
      await context.retry('commit offset', () =>
        subscription.commit(tenure.assignment, nextOffset),
      );
    }
  }

  return Object.assign(service, { backend: scoring.backend });
}

/** One tenure of one partition. */
interface Tenure {
  readonly assignment: Assignment;
  readonly origins: OriginFilter;
  readonly line: AnswerLine;
}

function createTenure(assignment: Assignment): Tenure {
  return { assignment, origins: new OriginFilter(), line: new AnswerLine() };
}

function keyOf({ topic, partition, joinEpoch }: Assignment): string {
  return `${topic}:${partition}@${joinEpoch}`;
}

const PENDING = Symbol('pending');

/** The value of a promise that has resolved, `null` of one that has not; rejects with it. */
async function settledValue<T>(promise: Promise<T>): Promise<T | null> {
  const first = await Promise.race([promise, Promise.resolve(PENDING)]);
  return first === PENDING ? null : (first as T);
}
