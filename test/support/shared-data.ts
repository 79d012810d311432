/** Suites on data that is not part of the project: skipped, visibly, where it is absent. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { ROOT } from './source-tree.ts';

const FOLDER = join(ROOT, '../shared/data');

export function sharedData(path: string): string {
  return join(FOLDER, path);
}

export function describeWithSharedData(name: string, body: () => void): void {
  if (existsSync(FOLDER)) {
    describe(name, body);
    return;
  }
  // The body of a skipped suite runs too, and may look into the folder that is not there.
  describe.skip(`${name} (skipped: ../shared/data is not on this machine)`, () => {
    it('has its data', () => undefined);
  });
}
