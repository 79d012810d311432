/**
 * One run of the simulation: the plan of a seed, carried out among its faults and without, and what
 * the judge makes of the two. The same seed gives the same run, to the last byte and fault.
 */
import { createHash } from 'node:crypto';
import { createDraw } from '../support/draw.ts';
import { judge } from './judge.ts';
import type { Verdict } from './judgement.ts';
import type { RunLogs } from './logs.ts';
import { calmed, type DisruptionKind, type Plan, planOf } from './plan.ts';
import { type Outcome, SimulationFailure, simulate } from './world.ts';

export interface RunResult extends Verdict {
  readonly plan: Plan;
  /** How often each fault happened. */
  readonly faults: Readonly<Record<string, number>>;
  /** Of everything that was written, repeats and timestamps included. */
  readonly fingerprint: string;
  readonly journal: readonly string[];
}

export async function runSeed(
  seed: number,
  without: ReadonlySet<DisruptionKind> = new Set(),
): Promise<RunResult> {
  const plan = planOf(seed, without);
  return withSeededChance(seed, async () => {
    try {
      const calm = await simulate(calmed(plan));
      const found = await simulate(plan);
      return { plan, ...judge(plan, found, calm), ...traceOf(found) };
    } catch (error) {
      const isFailure = error instanceof SimulationFailure;
      const findings = [isFailure ? error.message : stackOf(error)];
      return { plan, ...UNJUDGED, findings, journal: isFailure ? error.journal : [] };
    }
  });
}

const UNJUDGED = {
  ...{ events: 0, lost: 0, countedTwice: 0 },
  ...{ differingPanes: 0, differingReports: 0, differingAlerts: 0 },
  ...{ faults: {}, fingerprint: '' },
};

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function traceOf({ faults, logs, journal }: Outcome) {
  return { faults: Object.fromEntries(faults), fingerprint: fingerprintOf(logs), journal };
}

function fingerprintOf(logs: RunLogs): string {
  const hash = createHash('sha256');
  for (const { topic, partition, timestampMs, headers, value } of Object.values(logs).flat(2)) {
    hash.update(`${topic}:${partition}:${timestampMs}`);
    for (const [name, bytes] of Object.entries(headers)) {
      hash.update(name);
      for (const each of bytes instanceof Uint8Array ? [bytes] : bytes) hash.update(each);
    }
    if (value !== null) hash.update(value);
  }
  return hash.digest('hex');
}

/** The pauses of a retry are jittered by `Math.random`; here that is drawn from the seed as well. */
async function withSeededChance<Result>(seed: number, act: () => Promise<Result>): Promise<Result> {
  const draw = createDraw(~seed);
  const { random } = Math;
  Math.random = () => draw(0, 0xffff_fffe) / 0xffff_ffff;
  try {
    return await act();
  } finally {
    Math.random = random;
  }
}
