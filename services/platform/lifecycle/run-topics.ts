/**
 * Makes sure the topics of a run exist, with as many partitions as the event topic, before the first
 * record; every service may be the first. Asked again it widens them after the event topic has grown.
 */
import { CodedError } from '../../core/errors.ts';
import { derivedTopicSpecs } from '../../core/message/topics.ts';
import type { Topics } from '../../core/monitor/monitor.ts';
import type { Bus } from '../bus/bus.ts';

/** Partition count of the event topic; throws `configuration.invalid` where the topic is missing. */
export async function ensureRunTopics(bus: Bus, topics: Topics): Promise<number> {
  const partitionCount = await bus.partitionCount(topics.events);
  if (partitionCount === null) {
    throw new CodedError(
      'configuration.invalid',
      `event topic ${topics.events} does not exist; create it, or correct topics.events in monitor.yaml`,
    );
  }
  await bus.ensureTopics(derivedTopicSpecs(topics, partitionCount));
  return partitionCount;
}
