/**
 * `rollout.json`, beside the versions: the plan in force and how it came about. It goes before the plan
 * that `monitor.yaml` declares, so that a version is promoted or rolled back without a restart; without
 * the file the declared plan holds.
 *
 *   { "primary": "4", "previous": "3",
 *     "canary": { "version": "5", "share": 0.1 },      null: none
 *     "ab": [ { "version": "6", "share": 0.2 } ],
 *     "shadow": "7",                                   null: none
 *     "history": [ { "at": "2026-11-21T10:00:00.000Z", "change": "promote 4", "by": "ann" } ] }
 *
 * People write it by hand too: only `primary` is required, and whatever else is in it is refused by the
 * name of its field. The history keeps the newest `ROLLOUT_HISTORY_MAX` changes, newest last.
 */
import { CodedError } from '../errors.ts';
import { ROLLOUT_HISTORY_MAX } from '../limits.ts';
import { planMistakes } from './check-plan.ts';
import type { RolloutPlan, VersionShare } from './rollout-plan.ts';
import { isVersionName, VERSION_NAME_EXPECTED } from './version-name.ts';

export const ROLLOUT_FILE = 'rollout.json';

export interface RolloutChange {
  /** ISO 8601. */
  readonly at: string;
  readonly change: string;
  /** Who asked for it; `null` where nobody said. */
  readonly by: string | null;
}

export interface RolloutFile extends RolloutPlan {
  /** The primary before this one: what a rollback goes to; `null` where there is none. */
  readonly previous: string | null;
  readonly history: readonly RolloutChange[];
}

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;

/** The file that stands for a plan declared elsewhere. */
export function rolloutFileOf({ primary, canary, ab, shadow }: RolloutPlan): RolloutFile {
  return { primary, previous: null, canary, ab, shadow, history: [] };
}

export function encodeRolloutFile(file: RolloutFile): string {
  const { primary, previous, canary, ab, shadow } = file;
  const history = file.history
    .slice(-ROLLOUT_HISTORY_MAX)
    .map(({ at, change, by }) => (by === null ? { at, change } : { at, change, by }));
  const written = { primary, previous, canary, ab, shadow, history };
  return `${JSON.stringify(written, null, 2)}\n`;
}

/** Throws `configuration.invalid` naming the field. */
export function parseRolloutFile(text: string): RolloutFile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return fail('', `not valid JSON: ${(error as Error).message}`);
  }
  const fields = ['primary', 'previous', 'canary', 'ab', 'shadow', 'history'];
  const root = objectAt('', value, fields);
  const file: RolloutFile = {
    primary: versionAt('primary', root.primary),
    previous: isAbsent(root.previous) ? null : versionAt('previous', root.previous),
    canary: isAbsent(root.canary) ? null : shareAt('canary', root.canary),
    ab: listAt('ab', root.ab).map((arm, index) => shareAt(`ab[${index}]`, arm)),
    shadow: isAbsent(root.shadow) ? null : versionAt('shadow', root.shadow),
    history: listAt('history', root.history)
      .slice(-ROLLOUT_HISTORY_MAX)
      .map((change, index) => changeAt(`history[${index}]`, change)),
  };
  const [mistake] = planMistakes(file);
  if (mistake !== undefined) {
    const place = mistake.path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`));
    return fail(place.join('').slice(1), mistake.message);
  }
  return file;
}

function shareAt(place: string, value: unknown): VersionShare {
  const { version, share } = objectAt(place, value, ['version', 'share']);
  if (typeof share !== 'number') return fail(`${place}.share`, `${show(share)}, expected a number`);
  return { version: versionAt(`${place}.version`, version), share };
}

function changeAt(place: string, value: unknown): RolloutChange {
  const { at, change, by } = objectAt(place, value, ['at', 'change', 'by']);
  if (typeof at !== 'string' || !INSTANT.test(at) || Number.isNaN(Date.parse(at))) {
    return fail(`${place}.at`, `${show(at)}, expected an ISO 8601 instant`);
  }
  if (typeof change !== 'string') return fail(`${place}.change`, `${show(change)}, expected text`);
  if (!isAbsent(by) && typeof by !== 'string') fail(`${place}.by`, `${show(by)}, expected text`);
  return { at, change, by: typeof by === 'string' ? by : null };
}

function versionAt(place: string, value: unknown): string {
  if (typeof value === 'string' && isVersionName(value)) return value;
  return fail(place, `${show(value)}, expected ${VERSION_NAME_EXPECTED}`);
}

function listAt(place: string, value: unknown): readonly unknown[] {
  if (isAbsent(value)) return [];
  return Array.isArray(value) ? value : fail(place, `${show(value)}, expected a list`);
}

function objectAt(
  place: string,
  value: unknown,
  fields: readonly string[],
): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return fail(place, `${show(value)}, expected an object`);
  }
  for (const key of Object.keys(value)) {
    const at = place === '' ? key : `${place}.${key}`;
    if (!fields.includes(key)) fail(at, `unknown field, expected ${fields.join(', ')}`);
  }
  return value as Record<string, unknown>;
}

function isAbsent(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}

function show(value: unknown): string {
  return value === undefined ? 'is absent' : `found ${JSON.stringify(value).slice(0, 80)}`;
}

function fail(place: string, reason: string): never {
  const where = place === '' ? ROLLOUT_FILE : `${ROLLOUT_FILE}: ${place}`;
  throw new CodedError('configuration.invalid', `${where}: ${reason}`);
}
