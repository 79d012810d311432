/**
 * The inference-worker's shell: reads valid events, scores them in micro-batches across partitions,
 * writes predictions in the partition and order of the events, and only then commits offsets.
 *
 * **Every valid event ends in exactly one of `predictions` and `quarantine`; a crash repeats a
 * contiguous run, which consumers drop by `tg-origin`.**
 */
import { planBatch } from '../core/batch/plan-batch.ts';
import { createEventReader } from '../core/codec/event-reader.ts';
import { CodedError } from '../core/errors.ts';
import { POLL_RECORDS_MAX, POLL_WAIT_MS } from '../core/limits.ts';
import { originOf } from '../core/message/origin.ts';
import { OriginFilter } from '../core/message/origin-filter.ts';
import { type BusRecord, withTraceparent } from '../core/message/record.ts';
import { runTopics } from '../core/message/topics.ts';
import type { Assignment, Subscription } from '../platform/bus/bus.ts';
import { checkModelFits } from '../platform/config/check-model-fits.ts';
import type { Component } from '../platform/lifecycle/component.ts';
import {
  createConsumingService,
  type TurnContext,
} from '../platform/lifecycle/consuming-service.ts';
import { ensureRunTopics } from '../platform/lifecycle/run-topics.ts';
import type { ServicePorts, ServiceScope } from '../platform/lifecycle/service-scope.ts';
import { groupName } from '../platform/lifecycle/stateful-service.ts';
import type { LoadedModel } from '../platform/model/model-runtime.ts';
import { WriterSchemas } from '../platform/registry/writer-schemas.ts';
import { createInferenceEvents } from './events.ts';
import { createModelBatching, type ModelBatching } from './model-batch.ts';
import { type Answer, createRecordRouter, type RecordRouter, type Work } from './route.ts';
import { scoreBatch } from './score-batch.ts';

const NAME = 'inference-worker';

/** In arrival order; rows and what needs no model (controls, refusals) wait together. */
interface Waiting {
  readonly assignment: Assignment;
  readonly record: BusRecord;
  readonly work: Work;
  readonly arrivedMs: number;
}

export function createInferenceWorker(ports: ServicePorts, scope: ServiceScope): Component {
  const { bus, clock, telemetry } = ports;
  const { monitor, run } = scope;
  const spec = monitor.model;
  if (spec === null) {
    throw new CodedError('configuration.invalid', `monitor ${monitor.name} has no model to run`);
  }
  const topics = runTopics(monitor, run);
  const group = groupName(monitor.name, NAME, run);
  const events = createInferenceEvents(telemetry, spec.version);
  const reader = createEventReader({
    schema: scope.eventSchema,
    writerSchemas: scope.writerSchemas,
    mapping: monitor,
    needsRoot: false,
  });
  const writerSchemas = new WriterSchemas(ports.schemaSource, reader);
  const origins = new Map<string, OriginFilter>();
  let waiting: Waiting[] = [];
  let model: LoadedModel | null = null;
  let batching: ModelBatching | null = null;
  let router: RecordRouter | null = null;

  return createConsumingService({
    name: NAME,
    clock,
    logger: telemetry.logger(NAME),
    prepare: async () => {
      await ensureRunTopics(bus, topics);
      model = await ports.modelRuntime.load({ file: spec.file, placement: 'auto', workerCount: 2 });
      const problems = checkModelFits(monitor, model.description);
      if (problems.length > 0) {
        const message = problems.map((problem) => problem.message).join('; ');
        throw new CodedError(
          'configuration.model',
          `${spec.file} does not fit the monitor: ${message}`,
        );
      }
      const { digest } = model.description;
      batching = createModelBatching(monitor, spec, model.description);
      router = createRecordRouter({
        run,
        topics,
        monitor,
        reader,
        batching,
        version: spec.version,
        digest,
      });
      events.modelLoaded(model.description);
    },
    subscribe: () =>
      bus.subscribe({
        group,
        topics: [topics.valid],
        onAssigned: async (assignment) => {
          origins.set(tenure(assignment), new OriginFilter());
          return 'committed';
        },
        onRevoked: (assignment) => {
          origins.delete(tenure(assignment));
          waiting = waiting.filter((item) => tenure(item.assignment) !== tenure(assignment));
        },
      }),
    turn: (subscription, context) => takeTurn(subscription, context, false),
    drain: async (subscription, context) => {
      while (waiting.length > 0) await takeTurn(subscription, context, true);
    },
    dispose: async () => model?.close(),
  });

  async function takeTurn(
    subscription: Subscription,
    context: TurnContext,
    draining: boolean,
  ): Promise<void> {
    const oldest = waiting[0];
    const waitedMs = oldest === undefined ? 0 : clock.monotonicMs() - oldest.arrivedMs;
    const state = { count: waiting.length, waitedMs, draining };
    const plan = planBatch(state, spec!.batch, POLL_WAIT_MS);
    if (plan.kind === 'run')
      return runBatch(waiting.slice(0, plan.rows), plan.trigger, subscription, context);
    const batches = await subscription.poll({ recordsMax: POLL_RECORDS_MAX, waitMs: plan.waitMs });
    for (const { assignment, records } of batches) {
      await context.retry('fetch writer schemas', () => writerSchemas.fetchFor(records));
      for (const record of records) admit(assignment, record);
    }
  }

  function admit(assignment: Assignment, record: BusRecord): void {
    const filter = origins.get(tenure(assignment));
    if (filter === undefined) return;
    if (!filter.advance(originOf(record))) return events.eventRepeated();
    waiting.push({
      assignment,
      record,
      work: router!.workOf(record),
      arrivedMs: clock.monotonicMs(),
    });
  }

  async function runBatch(
    batch: readonly Waiting[],
    trigger: string,
    subscription: Subscription,
    context: TurnContext,
  ): Promise<void> {
    const span = telemetry.startProcessSpan({
      service: NAME,
      topic: topics.valid,
      group,
      recordCount: batch.length,
      headers: batch.map((item) => item.record.headers),
    });
    span.setAttribute('tidegauge.batch.trigger', trigger);
    span.setAttribute('tidegauge.model.version', spec!.version);
    try {
      const answers = await answerBatch(batch, trigger);
      // A tenure that ended during the run is not ours to answer for: its next owner reads it again.
      const owned = answers.filter(({ item }) => subscription.owns(item.assignment));
      const outgoing = owned.map(({ answer }) => withTraceparent(answer.record, span.traceparent));
      await context.retry('send', () => bus.produce(outgoing));
      for (const { answer } of owned) {
        if (answer.kind === 'predicted') events.eventPredicted();
        else if (answer.kind === 'refused') events.eventQuarantined(answer.rejection);
      }
      events.batchAnswered();
      const done = new Set(owned.map(({ item }) => item));
      waiting = waiting.filter((item) => !done.has(item));
      for (const [assignment, nextOffset] of nextOffsets([...done])) {
        await context.retry('commit offset', () => subscription.commit(assignment, nextOffset));
      }
      span.end();
    } catch (error) {
      span.end(error as Error);
      throw error;
    }
  }

  /** One answer per waiting record, in order. */
  async function answerBatch(
    batch: readonly Waiting[],
    trigger: string,
  ): Promise<readonly { readonly item: Waiting; readonly answer: Answer }[]> {
    const rows = batch.flatMap(({ work }) => (work.kind === 'row' ? [work.event.cells] : []));
    const startedMs = clock.monotonicMs();
    const scores = rows.length === 0 ? [] : await scoreBatch(model!, batching!, rows);
    if (rows.length > 0) events.batchRun(rows.length, trigger, clock.monotonicMs() - startedMs);
    let row = 0;
    return batch.map((item) => {
      const { record, work } = item;
      const answer =
        work.kind === 'row'
          ? router!.answerRow(record, work.event, scores[row++]!)
          : router!.answer(record, work);
      return { item, answer };
    });
  }
}

function tenure(assignment: Assignment): string {
  return `${assignment.topic}:${assignment.partition}@${assignment.joinEpoch}`;
}

function nextOffsets(batch: readonly Waiting[]): ReadonlyMap<Assignment, number> {
  const byAssignment = new Map<string, [Assignment, number]>();
  for (const { assignment, record } of batch) {
    byAssignment.set(tenure(assignment), [assignment, record.offset + 1]);
  }
  return new Map(byAssignment.values());
}
