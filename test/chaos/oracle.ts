/**
 * The oracle: issues events at a steady pace and remembers which of them Kafka acknowledged, and where.
 *
 * One sender per partition, one request at a time with `acks=all`. An event counts as acknowledged
 * only when the broker named the offset it got; a request whose outcome is unknown is sent again, so
 * the topic may hold an event twice, and then it is two events. It uses kafkajs directly: what the
 * oracle knows must not depend on the code under test.
 */
import { Kafka, logLevel, type Producer } from 'kafkajs';
import { type EventStream, type IssuedEvent, keyOf } from './event-stream.ts';

const TICK_MS = 20;
const REQUEST_RECORDS_MAX = 500;
const RETRY_PAUSE_MS = 200;
/** Acknowledged records of a partition that a duplicate producer can repeat. */
const RECENT_RECORDS = 200;
/** Events that wait in the oracle while Kafka is away; beyond it nothing is issued. */
const BACKLOG_MAX = 20_000;

export interface Oracle {
  /** From now on; 0 pauses. */
  setRate(eventsPerSecond: number): void;
  /** Serial of the next event: every event from it on is issued later than now. */
  readonly nextSerial: number;
  /** Requests that were repeated because their outcome was unknown. */
  readonly retriedRequests: number;
  /** Offset by serial; a hole where it was never acknowledged. */
  readonly acknowledged: readonly (number | undefined)[];
  isGood(serial: number): boolean;
  /** A second producer sends the last acknowledged records again; resolves with how many. */
  repeatRecent(): Promise<number>;
  /** Stops issuing, waits for every acknowledgement, then advances event time once. */
  close(): Promise<void>;
}

interface Lane {
  readonly partition: number;
  queue: IssuedEvent[];
  recent: IssuedEvent[];
  sending: Promise<void> | null;
}

export function createOracle(options: {
  readonly brokers: string;
  readonly topic: string;
  readonly partitionCount: number;
  readonly stream: EventStream;
  /** Without the closing ones. */
  readonly eventsMax: number;
}): Oracle {
  const { topic, stream, partitionCount, eventsMax } = options;
  const kafka = new Kafka({
    brokers: options.brokers.split(','),
    clientId: 'chaos-oracle',
    logLevel: logLevel.NOTHING,
    connectionTimeout: 2_000,
    requestTimeout: 5_000,
    retry: { initialRetryTime: 100, maxRetryTime: 500, retries: 3 },
  });
  const producer = connectedProducer();
  const lanes = Array.from({ length: partitionCount }, (_, partition): Lane => {
    return { partition, queue: [], recent: [], sending: null };
  });
  const acknowledged: number[] = [];
  const bad = new Set<number>();
  let rate = 0;
  let nextSerial = 0;
  let retriedRequests = 0;
  let owed = 0;
  let lastTickMs = performance.now();
  const timer = setInterval(tick, TICK_MS);

  async function connectedProducer(): Promise<Producer> {
    const connected = kafka.producer({ idempotent: false, allowAutoTopicCreation: false });
    await connected.connect();
    return connected;
  }

  function tick(): void {
    const nowMs = performance.now();
    const waiting = lanes.reduce((sum, { queue }) => sum + queue.length, 0);
    owed = waiting > BACKLOG_MAX ? 0 : owed + (rate * (nowMs - lastTickMs)) / 1_000;
    lastTickMs = nowMs;
    for (; owed >= 1 && nextSerial < eventsMax; owed -= 1) issue(stream.next());
    for (const lane of lanes) drain(lane);
  }

  function issue(event: IssuedEvent): void {
    nextSerial = event.serial + 1;
    if (!event.good) bad.add(event.serial);
    lanes[event.serial % partitionCount]!.queue.push(event);
  }

  function drain(lane: Lane): Promise<void> {
    if (lane.sending === null && lane.queue.length > 0) {
      lane.sending = sendAll(lane).finally(() => {
        lane.sending = null;
      });
    }
    return lane.sending ?? Promise.resolve();
  }

  async function sendAll(lane: Lane): Promise<void> {
    while (lane.queue.length > 0) {
      const events = lane.queue.slice(0, REQUEST_RECORDS_MAX);
      const offset = await sendOnce(await producer, lane.partition, events);
      if (offset === null) {
        retriedRequests += 1;
        await new Promise((resolve) => setTimeout(resolve, RETRY_PAUSE_MS));
        continue;
      }
      for (const [index, { serial }] of events.entries()) acknowledged[serial] = offset + index;
      lane.queue = lane.queue.slice(events.length);
      lane.recent = [...lane.recent, ...events].slice(-RECENT_RECORDS);
    }
  }

  /** The offset of the first record; `null` where the broker did not name it. */
  async function sendOnce(
    sender: Producer,
    partition: number,
    events: readonly IssuedEvent[],
  ): Promise<number | null> {
    const messages = events.map(({ serial, value, timestampMs }) => ({
      partition,
      key: keyOf(serial),
      value: Buffer.from(value),
      timestamp: String(timestampMs),
    }));
    try {
      const answers = await sender.send({ topic, acks: -1, messages });
      const answer = answers.find((each) => each.partition === partition);
      const offset = Number(answer?.baseOffset ?? -1);
      return answer?.errorCode === 0 && offset >= 0 ? offset : null;
    } catch {
      return null;
    }
  }

  return {
    setRate(eventsPerSecond) {
      rate = eventsPerSecond;
    },
    get nextSerial() {
      return nextSerial;
    },
    get retriedRequests() {
      return retriedRequests;
    },
    acknowledged,
    isGood: (serial) => !bad.has(serial),
    async repeatRecent() {
      const second = await connectedProducer();
      let count = 0;
      for (const { partition, recent } of lanes) {
        const events = [...recent];
        if (events.length > 0 && (await sendOnce(second, partition, events)) !== null) {
          count += events.length;
        }
      }
      await second.disconnect();
      return count;
    },
    async close() {
      clearInterval(timer);
      await Promise.all(lanes.map(drain));
      for (const lane of lanes) {
        const event = stream.closing();
        nextSerial = event.serial + 1;
        lane.queue.push(event);
      }
      await Promise.all(lanes.map(drain));
      await (await producer).disconnect();
    },
  };
}
