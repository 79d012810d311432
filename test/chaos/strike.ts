/** Does to the world what a strike says, and undoes what must be undone. */
import { spawn } from 'node:child_process';
import type { Strike } from './faults.ts';
import type { ServiceName } from './fleet.ts';
import type { World } from './world.ts';

const IN_SYNC_MS_MAX = 60_000;

export interface Struck {
  /** From when on everything should work again: the blow itself, or the return of what was away. */
  readonly sinceMs: number;
  /** Processes killed or frozen. */
  readonly kills: number;
  /** Resolves when what was done is undone, which is a disturbance of its own; `null`: nothing to undo. */
  readonly over: Promise<void> | null;
}

/** Resolves at `sinceMs`. */
export async function strike(
  world: World,
  { fault, targets, afterMs, forMs }: Strike,
): Promise<Struck> {
  const { fleet, redis, kafka, oracle } = world;
  await sleep(afterMs);
  switch (fault.kind) {
    case 'kill':
      return struck(targets.filter((name) => fleet.member(name).kill()).length);
    case 'freeze': {
      const member = fleet.member(targets[0]!);
      return struck(
        Number(member.freeze()),
        sleep(forMs).then(() => member.wake()),
      );
    }
    case 'kill-redis':
      await redis.kill();
      await sleep(forMs);
      await redis.start();
      return struck(1);
    case 'flush-redis':
      await redis.flush();
      return struck(0);
    case 'kill-broker': {
      const node = kafka.nodes[Number(targets[0])]!;
      await node.kill();
      const back = sleep(forMs)
        .then(() => node.start())
        .then(() => replicasInSync(kafka.brokers, kafka.nodes.length));
      return struck(1, back);
    }
    case 'join': {
      const suffix = `company-${Math.round(performance.now())}`;
      const joined = fleet.add(targets[0] as ServiceName, suffix);
      const left = joined.then(async ({ name }) => {
        await sleep(forMs);
        await fleet.remove(name);
      });
      return struck(0, left);
    }
    case 'repeat':
      await oracle.repeatRecent();
      return struck(0);
    case 'clock': {
      const member = fleet.member(targets[0]!);
      member.skewClock(fault.jumpMs);
      return struck(
        0,
        sleep(forMs).then(() => member.skewClock(0)),
      );
    }
  }
}

function struck(kills: number, over: Promise<void> | null = null): Struck {
  // Awaited later; until then a failure must not end the run unheard.
  over?.catch(() => undefined);
  return { sinceMs: performance.now(), kills, over };
}

/** A second broker may be killed only when the first has caught up: the cluster promises no more. */
async function replicasInSync(brokers: string, replicaCount: number): Promise<void> {
  const deadlineMs = performance.now() + IN_SYNC_MS_MAX;
  for (;;) {
    const partitions = await describePartitions(brokers);
    if (partitions.length > 0 && partitions.every(({ isrs }) => isrs.length === replicaCount))
      return;
    if (performance.now() > deadlineMs) throw new Error('the replicas did not get in sync again');
    await sleep(200);
  }
}

interface DescribedPartition {
  readonly isrs: readonly unknown[];
}

async function describePartitions(brokers: string): Promise<readonly DescribedPartition[]> {
  const kcat = spawn('kcat', ['-L', '-J', '-b', brokers], { stdio: ['ignore', 'pipe', 'ignore'] });
  let output = '';
  kcat.stdout.on('data', (chunk: Buffer) => {
    output += String(chunk);
  });
  const code = await new Promise<number | null>((resolve) => kcat.once('close', resolve));
  if (code !== 0) return [];
  const { topics } = JSON.parse(output) as {
    readonly topics: readonly { readonly partitions: readonly DescribedPartition[] }[];
  };
  return topics.flatMap(({ partitions }) => partitions);
}

function sleep(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
