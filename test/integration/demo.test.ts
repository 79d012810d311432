/**
 * `npm start`: the demo as a newcomer runs it. Counts agree, the one alert is the drift that was
 * injected, and the same seed gives the same result.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { codeBlocks } from '../support/markdown.ts';
import { ROOT } from '../support/source-tree.ts';
import { type Finished, tidegauge } from '../support/tidegauge.ts';

interface DemoJson {
  readonly events: number;
  readonly valid: number;
  readonly quarantined: number;
  readonly predictions: number;
  readonly windows: readonly { readonly n: number; readonly verdict: string }[];
  readonly injected: readonly {
    readonly kind: string;
    readonly column: string;
    readonly start: string;
  }[];
  readonly alerts: readonly {
    readonly rule: string;
    readonly column: string;
    readonly state: string;
    readonly windowStart: string;
    readonly windowEnd: string;
  }[];
}

function resultOf(finished: Finished): { json: DemoJson; withoutTimings: object } {
  const { elapsedMs, ...rest } = finished.json();
  expect(elapsedMs).toBeGreaterThan(0);
  return { json: rest as unknown as DemoJson, withoutTimings: rest };
}

it('counts every event, and alerts on what was injected and on nothing else', async () => {
  const finished = await tidegauge(['demo', '--json']);
  expect(finished.code).toBe(0);
  expect(finished.stderr).toContain('scoring and measuring');
  const { json } = resultOf(finished);
  expect(json.events).toBe(80_000);
  expect(json.valid + json.quarantined).toBe(json.events);
  expect(json.quarantined).toBeGreaterThan(0);
  expect(json.predictions).toBe(json.valid);
  expect(json.windows.reduce((sum, window) => sum + window.n, 0)).toBe(json.valid);

  const [injected] = json.injected;
  expect(json.alerts).toHaveLength(1);
  expect(json.alerts[0]).toMatchObject({
    rule: 'column-drift',
    state: 'firing',
    column: injected!.column,
  });
  const { windowStart, windowEnd } = json.alerts[0]!;
  expect(Date.parse(windowStart)).toBeLessThanOrEqual(Date.parse(injected!.start));
  expect(Date.parse(windowEnd)).toBeGreaterThan(Date.parse(injected!.start));
}, 120_000);

it('gives the same result for the same seed, and another for another', async () => {
  const run = (seed: string) => tidegauge(['demo', '--json', '--events', '20000', '--seed', seed]);
  const [first, again, other] = [await run('7'), await run('7'), await run('8')].map(resultOf);
  expect(again!.withoutTimings).toEqual(first!.withoutTimings);
  expect(other!.withoutTimings).not.toEqual(first!.withoutTimings);
}, 120_000);

it('prints what the README shows', async () => {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const [picture, ...shown] = codeBlocks(readme).filter((block) => block.language === '');
  expect(picture?.lines.join('\n')).toContain('validator');
  const { stdout } = await tidegauge(['demo']);
  const printed = stdout.split('\n');
  const lines = shown.flatMap((block) => block.lines).filter((line) => line !== '');
  expect(lines.length).toBeGreaterThan(6);
  expect(lines.filter((line) => !printed.includes(line))).toEqual([]);
}, 60_000);

it('shows a person what was injected, what was found and when', async () => {
  const { stdout, code } = await tidegauge(['demo', '--events', '20000']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^injected {5}\d{4}-\S+ {2}applicant\.age: /m);
  expect(stdout).toMatch(/^found {8}applicant\.age, \d+ min of event time after it began$/m);
  expect(stdout).toMatch(/^applicant\.age +ks +0\.0\d+ /m);
  expect(stdout).toMatch(
    /firing {4}column-drift {2}credit-default: applicant\.age .* \(\w+ 0\.\d+ at or above 0\.\d+ over \d+ events\)/,
  );
}, 60_000);
