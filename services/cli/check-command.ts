/** `tidegauge check`: everything wrong with a bundle, by file and line; the model is loaded too. */
import type { Command } from 'commander';
import { CodedError } from '../core/errors.ts';
import { checkBundle } from '../platform/config/check-bundle.ts';
import { formatProblem, type Problem } from '../platform/config/problem.ts';
import { checkBundleModel } from './check-model.ts';
import { EXIT_USAGE } from './exit.ts';
import { openBundle } from './open-bundle.ts';

interface CheckOptions {
  readonly bundle?: string;
  readonly json?: true;
}

export function addCheckCommand(program: Command): void {
  program
    .command('check')
    .description('check a bundle and name every mistake by file and line')
    .argument('[folder]', 'the bundle (or --bundle)')
    .option('--bundle <folder>', 'the bundle')
    .option('--json', 'print the result as one JSON object on the last line')
    .action(async (folder: string | undefined, options: CheckOptions) => {
      const directory = folder ?? options.bundle;
      if (directory === undefined) {
        throw new CodedError(
          'configuration.invalid',
          'name the bundle to check: tidegauge check FOLDER',
        );
      }
      await runCheck(directory, options);
    });
}

async function runCheck(directory: string, options: CheckOptions): Promise<void> {
  const { problems, warnings } = await findProblems(directory);
  for (const problem of problems) process.stderr.write(`${formatProblem(problem)}\n`);
  for (const warning of warnings) process.stderr.write(`${formatProblem(warning)} (warning)\n`);
  const ok = problems.length === 0;
  const verdict = ok ? 'good' : `${problems.length} problem${problems.length === 1 ? '' : 's'}`;
  process.stdout.write(
    options.json ? `${JSON.stringify({ ok, problems, warnings })}\n` : `${directory}: ${verdict}\n`,
  );
  if (!ok) process.exitCode = EXIT_USAGE;
}

async function findProblems(
  directory: string,
): Promise<{ readonly problems: readonly Problem[]; readonly warnings: readonly Problem[] }> {
  const { ok, problems, warnings } = await checkBundle(directory);
  if (!ok) return { problems, warnings };
  return { problems: await checkBundleModel(await openBundle(directory)), warnings };
}
