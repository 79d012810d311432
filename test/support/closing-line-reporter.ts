/**
 * Ends every test run with what was skipped and why, and one line for whoever reads only that:
 * `N passed, N failed, N skipped`.
 *
 * A file that does not load, an error outside any test and a run that could not start count as
 * failed, so the line never says `0 failed` about a run that exits non-zero. It is written when the
 * process exits, after everything else has had its say.
 */
import type { SerializedError } from 'vitest';
import type { Reporter, TestCase, TestModule, Vitest } from 'vitest/node';

export function createClosingLineReporter(): Reporter {
  let passed = 0;
  let failed = 0;
  let skipped: TestCase[] = [];
  let filteredByName = false;
  process.once('exit', (exitCode) => {
    if (exitCode !== 0 && failed === 0) failed = 1;
    const reasons = filteredByName ? [] : skipReasons(skipped);
    const closingLine = `${passed} passed, ${failed} failed, ${skipped.length} skipped`;
    process.stdout.write(`${[...reasons, closingLine].join('\n')}\n`);
  });

  return {
    onInit(vitest: Vitest) {
      filteredByName = vitest.config.testNamePattern !== undefined;
    },

    onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]) {
      passed = 0;
      failed = unhandledErrors.length;
      skipped = [];
      for (const module of modules) {
        let failedHere = 0;
        for (const test of module.children.allTests()) {
          const { state } = test.result();
          if (state === 'passed') passed += 1;
          else if (state === 'failed') failedHere += 1;
          // In a suite skipped within a skipped one a test stays pending.
          else skipped.push(test);
        }
        if (failedHere === 0 && module.state() === 'failed') failedHere = 1;
        failed += failedHere;
      }
    },
  };
}

/** One line per file and skipped suite or test, with the name that holds the reason. */
function skipReasons(tests: readonly TestCase[]): string[] {
  const counts = new Map<string, number>();
  for (const test of tests) {
    const name = `${test.module.relativeModuleId} > ${nameWithReason(test)}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts].map(([name, count]) => `skipped ${count}: ${name}`);
}

function nameWithReason(test: TestCase): string {
  let name = test.name;
  for (let suite = test.parent; suite.type === 'suite'; suite = suite.parent) {
    if (/skip/i.test(suite.name)) name = suite.name;
  }
  return name;
}
