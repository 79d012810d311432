/**
 * A change of the plan under constant load: how long until the first prediction of the other version,
 * and the longest time without any answer meanwhile, beside the longest of as long a time without a
 * change. The files of the version lie there already; the folder is looked at once a second.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { GeneratedModel } from '../support/onnx-models.ts';
import { median, type Pace, type Report, rowOf } from './bench-row.ts';
import { commonMs } from './rollout-arrivals.ts';
import { type LoadedScoring, startScoring } from './rollout-scoring.ts';

const SECTION = 'a switch under load';
const ROWS_A_SECOND = 20_000;
const PATIENCE_MS = 15_000;
/** After the first prediction of the other version. */
const AFTER_MS = 300;

export interface SwitchCase {
  readonly name: string;
  readonly primary: GeneratedModel;
  /** Another file for each seed. */
  readonly next: (seed: number) => GeneratedModel;
}

interface Switch {
  readonly untilMs: number;
  readonly gapMs: number;
}

export async function measureSwitch(
  { name, primary, next }: SwitchCase,
  pace: Pace,
  report: Report,
): Promise<void> {
  const rounds = Array.from({ length: pace.rounds }, (_, round) => round);
  const others = rounds.map((round) => [`${round}`, next(round + 2)] as const);
  const versions = { primary, ...Object.fromEntries(others) };
  const scoring = await startScoring({
    ...{ plan: { primary: 'primary' }, versions, placement: 'auto' },
  });
  scoring.setRate(ROWS_A_SECOND);
  await sleep(2_500);
  const promotions: Switch[] = [];
  const rollbacks: Switch[] = [];
  const gapsMs: number[] = [];
  for (const round of rounds) {
    promotions.push(await switchTo(scoring, `${round}`));
    rollbacks.push(await switchTo(scoring, 'primary'));
    scoring.answers.length = 0;
    await sleep(promotions.at(-1)!.untilMs + AFTER_MS);
    gapsMs.push(longestGap(scoring));
  }
  scoring.setRate(0);
  await scoring.close();

  const seconds = (all: readonly Switch[]) => all.map(({ untilMs }) => untilMs / 1_000);
  const gaps = (all: readonly Switch[]) => all.map(({ gapMs }) => gapMs);
  const common = { section: SECTION, target: null } as const;
  const told = { ...common, unit: 's' } as const;
  report(rowOf({ ...told, name: `${name}: promote to first prediction` }, seconds(promotions)));
  report(rowOf({ ...told, name: `${name}: rollback to first prediction` }, seconds(rollbacks)));
  const without = { gapMsWithout: median(gapsMs) };
  const gap = { ...common, unit: 'ms' } as const;
  report(rowOf({ ...gap, name: `${name}: longest gap, promote` }, gaps(promotions), without));
  report(rowOf({ ...gap, name: `${name}: longest gap, rollback` }, gaps(rollbacks), without));
}

async function switchTo(scoring: LoadedScoring, version: string): Promise<Switch> {
  scoring.answers.length = 0;
  const startMs = commonMs();
  await scoring.changePlan({ primary: version });
  let first = scoring.answers.find((answer) => answer.version === version);
  while (first === undefined) {
    if (commonMs() - startMs > PATIENCE_MS) throw new Error(`version ${version} never answered`);
    await sleep(1);
    first = scoring.answers.find((answer) => answer.version === version);
  }
  await sleep(AFTER_MS);
  return { untilMs: first.atMs - startMs, gapMs: longestGap(scoring) };
}

function longestGap({ answers }: LoadedScoring): number {
  let longest = 0;
  for (let index = 1; index < answers.length; index += 1) {
    longest = Math.max(longest, answers[index]!.atMs - answers[index - 1]!.atMs);
  }
  return longest;
}
