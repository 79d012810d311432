/**
 * A real Apache Kafka cluster for tests: combined broker and controller processes on free loopback
 * ports, their data in a temporary folder. Every node can be killed and started again by itself; with
 * three of them the cluster outlives the loss of one, without losing what was acknowledged by all
 * in-sync replicas. `stop` ends every process it started and removes the folder.
 */
import { randomBytes, randomInt } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKafkaNode, type KafkaNode } from './kafka-node.ts';
import { prepareKafkaRuntime } from './kafka-runtime.ts';

/** Below where Linux takes the ports of outgoing connections from: one might sit on a killed node's. */
const PORT_MIN = 20_000;
const PORT_MAX = 32_000;

export interface KafkaCluster {
  /** `host:port,host:port,…` of all nodes, running or not. */
  readonly brokers: string;
  readonly nodes: readonly KafkaNode[];
  /** Idempotent. */
  stop(): Promise<void>;
}

export interface KafkaClusterOptions {
  /** 1, or 3 for a quorum that outlives one. */
  readonly brokers: 1 | 3;
  /** Further broker settings, or other values, e.g. `{ 'offsets.topic.num.partitions': '3' }`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Largest heap of each process. */
  readonly heapMb?: number;
}

/** Resolves when every node serves. */
export async function startKafkaCluster(options: KafkaClusterOptions): Promise<KafkaCluster> {
  prepareKafkaRuntime();
  const count = options.brokers;
  const folder = await mkdtemp(join(tmpdir(), 'tidegauge-kafka-'));
  const nodes: KafkaNode[] = [];

  async function stop(): Promise<void> {
    await Promise.all(nodes.map((node) => node.kill()));
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }

  try {
    const ports = await freePorts(2 * count);
    const members: Member[] = Array.from({ length: count }, (_, index) => ({
      id: index + 1,
      broker: `127.0.0.1:${ports[index]!}`,
      controller: `127.0.0.1:${ports[count + index]!}`,
    }));
    const clusterId = newClusterId();
    for (const member of members) {
      const home = join(folder, String(member.id));
      await mkdir(home);
      nodes.push(
        await createKafkaNode({
          id: member.id,
          address: member.broker,
          folder: home,
          settings: { ...settingsOf(member, members), ...options.settings },
          clusterId,
          heapMb: options.heapMb ?? 384,
        }),
      );
    }
    await Promise.all(nodes.map((node) => node.start()));
    return { brokers: members.map(({ broker }) => broker).join(','), nodes, stop };
  } catch (error) {
    await stop();
    throw new Error('the Kafka cluster did not start', { cause: error });
  }
}

interface Member {
  readonly id: number;
  /** `host:port`. */
  readonly broker: string;
  readonly controller: string;
}

/**
 * Topics exist only when somebody made them; groups form at once; every topic has as many replicas as
 * there are nodes, up to three, and a write needs two of three; a dead node is noticed within seconds.
 */
function settingsOf(member: Member, members: readonly Member[]): Record<string, string> {
  const replicas = String(Math.min(members.length, 3));
  const inSyncMin = members.length >= 3 ? '2' : '1';
  return {
    'process.roles': 'broker,controller',
    'node.id': String(member.id),
    'controller.quorum.voters': members.map(({ id, controller }) => `${id}@${controller}`).join(),
    listeners: `PLAINTEXT://${member.broker},CONTROLLER://${member.controller}`,
    'advertised.listeners': `PLAINTEXT://${member.broker}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'auto.create.topics.enable': 'false',
    'default.replication.factor': replicas,
    'min.insync.replicas': inSyncMin,
    'offsets.topic.replication.factor': replicas,
    'offsets.topic.num.partitions': '1',
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': inSyncMin,
    'transaction.state.log.num.partitions': '1',
    'share.coordinator.state.topic.replication.factor': replicas,
    'share.coordinator.state.topic.min.isr': inSyncMin,
    'group.initial.rebalance.delay.ms': '0',
    'group.min.session.timeout.ms': '1000',
    'broker.session.timeout.ms': '3000',
    'broker.heartbeat.interval.ms': '500',
    'controller.quorum.fetch.timeout.ms': '1000',
    'controller.quorum.election.timeout.ms': '1000',
    'controller.quorum.election.backoff.max.ms': '500',
    'replica.lag.time.max.ms': '5000',
    'log.retention.check.interval.ms': '1000',
    'log.cleaner.backoff.ms': '200',
    'log.cleaner.dedupe.buffer.size': '8388608',
    'log.segment.delete.delay.ms': '100',
  };
}

/** Ports that were free a moment ago; all are held until all are known. */
async function freePorts(count: number): Promise<readonly number[]> {
  const held: { readonly port: number; release(): Promise<unknown> }[] = [];
  while (held.length < count) {
    const port = randomInt(PORT_MIN, PORT_MAX);
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (free) held.push({ port, release: () => new Promise((done) => server.close(done)) });
  }
  await Promise.all(held.map(({ release }) => release()));
  return held.map(({ port }) => port);
}

/** One that begins with `-` would be taken for an option by Kafka's own tools. */
function newClusterId(): string {
  const bytes = randomBytes(16);
  bytes[0]! &= 0x7f;
  return bytes.toString('base64url');
}
