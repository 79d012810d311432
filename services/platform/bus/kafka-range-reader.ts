/**
 * Reads a range of one partition outside any group of a service. kafkajs can only fetch as a member
 * of a group, so it joins one of its own, never commits, and deletes it afterwards. A broker lets a
 * new group form for `group.initial.rebalance.delay.ms` (3 s by default) before the first record.
 */
import { randomUUID } from 'node:crypto';
import { POLL_RECORDS_MAX, POLL_WAIT_MS } from '../../core/limits.ts';
import type { BusRecord, TopicPartition } from './bus.ts';
import type { KafkaContext } from './kafka-client.ts';
import { subscribeKafka } from './kafka-subscription.ts';
import type { KafkaTopics } from './kafka-topics.ts';

export async function* readKafkaRange(
  context: KafkaContext,
  topics: KafkaTopics,
  range: { readonly at: TopicPartition; readonly from: number; readonly to: number },
): AsyncGenerator<BusRecord> {
  const { at, to } = range;
  const { earliest } = await topics.offsets(at);
  let next = Math.max(range.from, earliest);
  if (next >= to) return;

  const group = `tidegauge-read-${randomUUID()}`;
  const subscription = await subscribeKafka(context, topics, {
    group,
    topics: [at.topic],
    // A partition whose start is never known stays paused: only the one asked for is read.
    onAssigned: ({ partition }) =>
      partition === at.partition ? Promise.resolve({ offset: next }) : new Promise(() => undefined),
    onRevoked: () => undefined,
  });
  try {
    for (;;) {
      const batches = await subscription.poll({
        recordsMax: POLL_RECORDS_MAX,
        waitMs: POLL_WAIT_MS,
      });
      for (const record of batches.flatMap((batch) => batch.records)) {
        if (record.offset >= to) return;
        next = record.offset + 1;
        yield record;
      }
      // The end may be missing from the log; the position passes it all the same.
      if ((subscription.position(at) ?? 0) >= to) return;
      // Retention may take what is left of the range meanwhile, and nothing need ever follow it.
      if (batches.length === 0 && (await topics.offsets(at)).earliest >= to) return;
    }
  } finally {
    await subscription.close();
    await topics.deleteGroup(group);
  }
}
