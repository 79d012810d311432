/**
 * `npm run sim -- --seed S --runs N`: the real services on memory adapters and a virtual clock among
 * seeded faults; run i has the seed S + i.
 *
 * Progress and what is wrong go to standard error, with the command that shows a failed run again; the
 * sum of all runs to standard output, with `--json` as one object on the last line. Exit code 1 where
 * any run failed.
 */
import { availableParallelism } from 'node:os';
import { Command, InvalidArgumentError } from 'commander';
import { DISRUPTION_KINDS, type DisruptionKind } from './plan.ts';
import { runAll } from './pool.ts';
import type { RunResult } from './run.ts';

interface SimOptions {
  readonly seed: number;
  readonly runs: number;
  readonly workers: number;
  readonly without: readonly DisruptionKind[];
  readonly json: boolean;
}

const FINDINGS_SHOWN_MAX = 5;
const PROGRESS_INTERVAL_MS = 10_000;
const SEED_MAX = 0x7fff_ffff;

const program = new Command('sim')
  .description('Simulates the services among seeded faults and judges what they wrote.')
  .option('--seed <number>', 'seed of the first run; the next ones follow', wholeNumber(0), 1)
  .option('--runs <number>', 'how many runs', wholeNumber(1), 200)
  .option('--workers <number>', 'threads', wholeNumber(1), availableParallelism())
  .option('--without <kinds...>', `leaves out ${DISRUPTION_KINDS.join(', ')}`, disruptionKinds, [])
  .option('--json', 'the sum as one JSON object on the last line', false)
  .action(simulateAll);

await program.parseAsync();

async function simulateAll(options: SimOptions): Promise<void> {
  const { seed, runs, workers, without } = options;
  const startedMs = performance.now();
  const results: RunResult[] = [];
  let shownAtMs = startedMs;
  await runAll({
    seeds: Array.from({ length: runs }, (_, index) => seed + index),
    workerCount: workers,
    without,
    onResult(result) {
      results.push(result);
      if (result.findings.length > 0) showFailure(result, options);
      const nowMs = performance.now();
      if (nowMs - shownAtMs < PROGRESS_INTERVAL_MS) return;
      shownAtMs = nowMs;
      showProgress(results, runs, nowMs - startedMs);
    },
  });
  const sum = sumOf(results, options, performance.now() - startedMs);
  if (options.json) console.log(JSON.stringify(sum));
  else for (const [name, value] of Object.entries(sum)) console.log(name, value);
  if (sum.failed > 0) process.exitCode = 1;
}

function sumOf(results: readonly RunResult[], { seed, runs }: SimOptions, elapsedMs: number) {
  const total = (of: (result: RunResult) => number) =>
    results.reduce((sum, result) => sum + of(result), 0);
  const faults = new Map<string, number>();
  for (const result of results) {
    for (const [fault, count] of Object.entries(result.faults)) {
      faults.set(fault, (faults.get(fault) ?? 0) + count);
    }
  }
  const failed = results.filter(({ findings }) => findings.length > 0);
  return {
    ...{ runs, seed },
    events: total(({ events }) => events),
    lost: total(({ lost }) => lost),
    countedTwice: total(({ countedTwice }) => countedTwice),
    differingPanes: total(({ differingPanes }) => differingPanes),
    differingReports: total(({ differingReports }) => differingReports),
    differingAlerts: total(({ differingAlerts }) => differingAlerts),
    failed: failed.length,
    failedSeeds: failed.map(({ plan }) => plan.seed).sort((a, b) => a - b),
    faults: Object.fromEntries([...faults].sort(([a], [b]) => (a < b ? -1 : 1))),
    elapsedMs: Math.round(elapsedMs),
  };
}

function showFailure({ plan, findings, journal }: RunResult, options: SimOptions): void {
  const isAlone = options.runs === 1;
  const shown = isAlone ? findings : findings.slice(0, FINDINGS_SHOWN_MAX);
  const without = options.without.map((kind) => ` --without ${kind}`).join('');
  const lines = [
    `seed ${plan.seed} failed, world ${plan.world}:`,
    ...shown.map((finding) => `  ${finding}`),
    ...(shown.length < findings.length ? [`  and ${findings.length - shown.length} more`] : []),
    ...(isAlone ? ['plan:', JSON.stringify(plan, null, 2), 'journal:', ...journal] : []),
    `again: npm run sim -- --seed ${plan.seed} --runs 1${without}`,
  ];
  console.error(lines.join('\n'));
}

function showProgress(results: readonly RunResult[], runs: number, elapsedMs: number): void {
  const failed = results.filter(({ findings }) => findings.length > 0).length;
  const leftMs = (elapsedMs / results.length) * (runs - results.length);
  console.error(
    `${results.length} of ${runs} runs, ${failed} failed, ${Math.ceil(leftMs / 1_000)} s left`,
  );
}

function wholeNumber(minimum: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= minimum && value <= SEED_MAX) return value;
    throw new InvalidArgumentError(`expected a whole number from ${minimum} to ${SEED_MAX}`);
  };
}

function disruptionKinds(text: string, earlier: readonly DisruptionKind[]): DisruptionKind[] {
  const kind = DISRUPTION_KINDS.find((each) => each === text);
  if (kind === undefined) {
    throw new InvalidArgumentError(`expected some of ${DISRUPTION_KINDS.join(', ')}`);
  }
  return [...earlier, kind];
}
