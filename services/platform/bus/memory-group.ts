/**
 * Consumer groups of the in-memory bus. Members joining or leaving end every assignment of the group
 * and start new ones under the next join epoch, as the Kafka adapter does, so that a service is
 * exercised by the same rebalances in one process.
 */
import type { Clock } from '../clock/clock.ts';
import type {
  Assignment,
  CommittedOffset,
  SubscribeOptions,
  Subscription,
  TopicPartition,
} from './bus.ts';
import type { KnownStart, MemoryLog, MemoryTopics } from './memory-log.ts';
import { createPoller, type PollSource } from './poller.ts';
import { assignRanges } from './range-assignment.ts';
import { truncatedLog } from './truncated-log.ts';

interface Tenure extends PollSource {
  /** Nothing is available before; called when `onAssigned` has answered. */
  open(offset: number): void;
}

interface Member {
  readonly topics: readonly string[];
  revokeAll(): void;
  assign(assignment: Assignment): void;
}

interface Group {
  readonly members: Member[];
  /** Every topic a member ever subscribed to: the group may come back for it. */
  readonly topics: Set<string>;
  readonly committed: Map<string, CommittedOffset>;
  joinEpoch: number;
}

/** A subscription as the bus sees it: it is told about arrivals. */
export interface MemorySubscription extends Subscription {
  announce(): void;
}

export interface MemoryGroups {
  subscribe(options: SubscribeOptions): MemorySubscription;
  /** The topic has got more partitions. */
  rebalanceReaders(topic: string): void;
  committed(group: string, at: TopicPartition): CommittedOffset | null;
  /** The least offset some group that reads the topic has yet to commit; `null` where none reads it. */
  committedByAll(at: TopicPartition): number | null;
}

export function createMemoryGroups(
  topics: MemoryTopics,
  clock: Clock,
  onCommitted: (at: TopicPartition) => void,
): MemoryGroups {
  const groups = new Map<string, Group>();

  function groupOf(name: string): Group {
    const group = groups.get(name) ?? {
      members: [],
      topics: new Set(),
      committed: new Map(),
      joinEpoch: 0,
    };
    groups.set(name, group);
    return group;
  }

  /** Revokes everything before it assigns anything: no partition has two owners, even for a moment. */
  function rebalance(group: Group): void {
    for (const member of group.members) member.revokeAll();
    group.joinEpoch += 1;
    const assigned = new Map<Member, TopicPartition[]>();
    for (const topic of new Set(group.members.flatMap((member) => member.topics))) {
      const readers = group.members.filter((member) => member.topics.includes(topic));
      const partitionCount = topics.partitionCount(topic) ?? 0;
      const lists = assignRanges([{ topic, partitionCount }], readers.length);
      readers.forEach((reader, index) => {
        assigned.set(reader, [...(assigned.get(reader) ?? []), ...lists[index]!]);
      });
    }
    for (const [member, list] of assigned) {
      for (const at of list) member.assign({ ...at, joinEpoch: group.joinEpoch });
    }
  }

  function subscribe(options: SubscribeOptions): MemorySubscription {
    for (const topic of options.topics) topics.log({ topic, partition: 0 });
    const group = groupOf(options.group);
    for (const topic of options.topics) group.topics.add(topic);
    const tenures = new Map<string, Tenure>();
    const poller = createPoller(clock, () => [...tenures.values()]);
    let closed = false;

    function startOffset(assignment: Assignment, start: KnownStart): number {
      const log = topics.log(assignment);
      const position = typeof start === 'object' ? start.offset : 0;
      if (options.onTruncated === 'stop' && position > log.next) {
        throw truncatedLog(assignment, { position, next: log.next });
      }
      return log.startOffset(start);
    }

    const owns = (assignment: Assignment): boolean =>
      tenures.get(keyOf(assignment))?.assignment.joinEpoch === assignment.joinEpoch;

    async function begin(tenure: Tenure): Promise<void> {
      const { assignment } = tenure;
      try {
        const start = await options.onAssigned(assignment);
        const committed = group.committed.get(keyOf(assignment));
        const known = committed ?? 'earliest';
        tenure.open(startOffset(assignment, start === 'committed' ? known : start));
        poller.announce();
      } catch (error) {
        if (owns(assignment)) poller.fail(error);
      }
    }

    const member: Member = {
      topics: options.topics,
      revokeAll() {
        const ended = [...tenures.values()];
        tenures.clear();
        for (const { assignment } of ended) options.onRevoked(assignment);
      },
      assign(assignment) {
        const tenure = createTenure(assignment, topics.log(assignment));
        tenures.set(keyOf(assignment), tenure);
        void begin(tenure);
      },
    };
    group.members.push(member);
    rebalance(group);

    return {
      poll: (pollOptions) => poller.poll(pollOptions),
      owns,
      async commit(assignment, offset, note = '') {
        if (!owns(assignment)) return false;
        group.committed.set(keyOf(assignment), { offset, note });
        onCommitted(assignment);
        return true;
      },
      assignments: () => [...tenures.values()].map((tenure) => tenure.assignment),
      announce: () => poller.announce(),
      async close() {
        if (closed) return;
        closed = true;
        member.revokeAll();
        group.members.splice(group.members.indexOf(member), 1);
        poller.close();
        rebalance(group);
      },
    };
  }

  function committedByAll(at: TopicPartition): number | null {
    const readers = [...groups.values()].filter((group) => group.topics.has(at.topic));
    if (readers.length === 0) return null;
    return Math.min(...readers.map((group) => group.committed.get(keyOf(at))?.offset ?? 0));
  }

  return {
    subscribe,
    rebalanceReaders(topic) {
      for (const group of groups.values()) {
        if (group.members.some((member) => member.topics.includes(topic))) rebalance(group);
      }
    },
    committed: (group, at) => groups.get(group)?.committed.get(keyOf(at)) ?? null,
    committedByAll,
  };
}

function createTenure(assignment: Assignment, log: MemoryLog): Tenure {
  let position: number | null = null;
  return {
    assignment,
    available: () => (position === null ? 0 : log.next - position),
    take(count) {
      const from = position ?? log.next;
      position = from + count;
      return log.slice(from, from + count);
    },
    open(offset) {
      position = offset;
    },
  };
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}:${partition}`;
}
