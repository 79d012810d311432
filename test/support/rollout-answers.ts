/**
 * What a consumer has of a rollout's stream: predictions with repeats dropped by their origin, what was
 * refused, and the alerts of the service; with the time of waiting for them.
 */
import { originOf } from '../../services/core/message/origin.ts';
import { OriginFilter } from '../../services/core/message/origin-filter.ts';
import { type Prediction, predictionCodec } from '../../services/core/message/prediction.ts';
import type { BusRecord } from '../../services/core/message/record.ts';
import {
  decodeServiceAlert,
  isServiceAlert,
  type ServiceAlert,
} from '../../services/core/message/service-alert.ts';
import type { Topics } from '../../services/core/monitor/monitor.ts';
import type { Bus } from '../../services/platform/bus/bus.ts';

const PATIENCE_MS = 20_000;
const LOOK_EVERY_MS = 10;

/** Of the event at this offset of a partition of the event topic. */
export interface Answered {
  readonly partition: number;
  readonly offset: number;
  readonly prediction: Prediction;
}

export interface RolloutAnswers {
  /** In the order of each partition. */
  readonly answers: readonly Answered[];
  /** Refused events, as answers are. */
  readonly refused: readonly Pick<Answered, 'partition' | 'offset'>[];
  /** Predictions that a consumer drops. */
  readonly repeats: readonly BusRecord[];
  readonly alerts: readonly ServiceAlert[];
  /** Shadow predictions; nobody drops repeats of them. */
  readonly shadowCount: number;
  look(): Promise<void>;
  /** The predictions since now, as soon as it is so; rejects with what `explain` says where it is not. */
  until(what: string, isSo: (fresh: readonly Prediction[]) => boolean): Promise<Prediction[]>;
}

export function followAnswers(
  bus: Bus,
  topics: Topics,
  explain: () => readonly string[],
): RolloutAnswers {
  const follow = {
    predictions: createFollower(bus, topics.predictions),
    quarantine: createFollower(bus, topics.quarantine),
    alerts: createFollower(bus, topics.alerts),
    shadow: createFollower(bus, topics.shadow),
  };
  const consumers = { predictions: new OriginFilter(), quarantine: new OriginFilter() };
  const answers: Answered[] = [];
  const refused: Pick<Answered, 'partition' | 'offset'>[] = [];
  const repeats: BusRecord[] = [];
  const alerts: ServiceAlert[] = [];
  let shadowCount = 0;

  async function look(): Promise<void> {
    for (const record of await follow.predictions()) {
      const origin = originOf(record);
      if (consumers.predictions.advance(origin)) {
        const prediction = predictionCodec.decode(record.value!);
        answers.push({ ...origin, prediction });
      } else repeats.push(record);
    }
    for (const record of await follow.quarantine()) {
      const origin = originOf(record);
      if (consumers.quarantine.advance(origin)) refused.push(origin);
    }
    for (const { value } of await follow.alerts()) {
      if (isServiceAlert(value!)) alerts.push(decodeServiceAlert(value!));
    }
    shadowCount += (await follow.shadow()).length;
  }

  return {
    ...{ answers, refused, repeats, alerts, look },
    get shadowCount() {
      return shadowCount;
    },
    async until(what, isSo) {
      const from = answers.length;
      const fresh: Prediction[] = [];
      const endMs = performance.now() + PATIENCE_MS;
      for (;;) {
        await look();
        for (const { prediction } of answers.slice(from + fresh.length)) fresh.push(prediction);
        if (isSo(fresh)) return fresh;
        if (performance.now() > endMs) {
          const said = explain().join('\n');
          throw new Error(`not within ${PATIENCE_MS} ms: ${what}; the service said:\n${said}`);
        }
        await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
      }
    },
  };
}

/** Follows a topic from its start, each record once. */
function createFollower(bus: Bus, topic: string): () => Promise<readonly BusRecord[]> {
  const next = new Map<number, number>();
  return async () => {
    const records: BusRecord[] = [];
    const partitionCount = (await bus.partitionCount(topic)) ?? 0;
    for (let partition = 0; partition < partitionCount; partition += 1) {
      const at = { topic, partition };
      const to = (await bus.offsets(at)).next;
      for await (const record of bus.read(at, next.get(partition) ?? 0, to)) records.push(record);
      next.set(partition, to);
    }
    return records;
  };
}
