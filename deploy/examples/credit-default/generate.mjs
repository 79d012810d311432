// @ts-check
/**
 * The example's events: good applications, about one bad record in a hundred, and a campaign that
 * brings younger applicants from a known time on. The same options give the same records.
 *
 *   node generate.mjs --training --rows 20000 --seed 1 > training.csv
 *   node generate.mjs --events 1000 --seed 2 --format json | kcat -P -b localhost:9092 -t applications
 *
 * With `--events`, each line is one record: the good events and the bad ones that are JSON. The bad
 * records that are bytes have no place in a text and are left out. Counts go to standard error.
 */
import { once } from 'node:events';
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { sampleApplication } from './applicants.mjs';
import { BAD_KINDS, makeBadRecord } from './bad-records.mjs';

export { BAD_KINDS };

/** @typedef {import('./generate.mjs').BadKind} BadKind */
/** @typedef {import('./generate.mjs').GeneratedRecord} GeneratedRecord */
/** @typedef {import('./generate.mjs').GenerateOptions} GenerateOptions */

export const INJECTED_DRIFT = /** @type {const} */ ({
  kind: 'sudden',
  column: 'applicant.age',
  description: 'a campaign brings younger applicants; nothing else about them changes',
});

/** An application reaches the topic up to this long after it was submitted. */
const TRANSPORT_MS_MAX = 1_500;
/** The training table: one application a minute from the first of January 2024. */
const TRAINING_START_MS = Date.UTC(2024, 0, 1);
const TRAINING_INTERVAL_MS = 60_000;
/** Where `--events` starts unless told otherwise: the first of January 2026. */
const EVENTS_START_MS = Date.UTC(2026, 0, 1);
/** Keeps the random values of bad records and delays apart from those of the applications. */
const SECOND_STREAM = 0x5eed;

/** @param {GenerateOptions} options @returns {Generator<GeneratedRecord>} */
export function* generateEvents(options) {
  const { seed, count, startMs, eventsPerSecond, badShare, driftStartMs } = options;
  const random = xoroshiro128plus(seed);
  const transport = xoroshiro128plus(seed ^ SECOND_STREAM);
  let badCount = 0;
  for (let index = 0; index < count; index++) {
    const timestampMs = startMs + Math.floor((index * 1_000) / eventsPerSecond);
    const delayMs = Math.floor(uniformFloat64(transport) * TRANSPORT_MS_MAX);
    const submittedAt = Math.max(startMs, timestampMs - delayMs);
    const { event } = sampleApplication(random, {
      applicationId: `application-${seed}-${index}`,
      submittedAt,
      isCampaign: driftStartMs !== null && submittedAt >= driftStartMs,
    });
    if (uniformFloat64(transport) < badShare) {
      const kind = /** @type {BadKind} */ (BAD_KINDS[badCount++ % BAD_KINDS.length]);
      yield { kind, timestampMs, bytes: makeBadRecord(kind, event) };
    } else {
      yield { kind: 'good', timestampMs, event };
    }
  }
}

/** The columns of the training table: the event's fields by path, then how the loan ended. */
const TRAINING_HEADER = [
  'applicationId',
  'submittedAt',
  'applicant.age',
  'applicant.income',
  'applicant.employment',
  'loan.amount',
  'loan.termMonths',
  'loan.purpose',
  'utilisation',
  'channel',
  'defaulted',
];

/** @param {{ seed: number, count: number }} options @returns {Generator<string>} */
export function* generateTraining({ seed, count }) {
  yield TRAINING_HEADER.join(',');
  const random = xoroshiro128plus(seed);
  for (let index = 0; index < count; index++) {
    const { event, defaulted } = sampleApplication(random, {
      applicationId: `training-${seed}-${index}`,
      submittedAt: TRAINING_START_MS + index * TRAINING_INTERVAL_MS,
      isCampaign: false,
    });
    const { applicant, loan } = event;
    yield [
      event.applicationId,
      event.submittedAt,
      applicant.age,
      applicant.income,
      applicant.employment,
      loan.amount,
      loan.termMonths,
      loan.purpose,
      event.utilisation ?? '',
      event.channel,
      defaulted,
    ].join(',');
  }
}

/** @param {Iterable<string>} lines */
async function writeLines(lines) {
  for (const line of lines) {
    if (!process.stdout.write(`${line}\n`)) await once(process.stdout, 'drain');
  }
}

/** @param {Iterable<GeneratedRecord>} records @param {Map<string, number>} counts */
function* jsonLines(records, counts) {
  for (const record of records) {
    const line =
      record.kind === 'good'
        ? JSON.stringify(record.event)
        : Buffer.from(record.bytes).toString('utf8');
    if (!line.startsWith('{')) continue;
    counts.set(record.kind, (counts.get(record.kind) ?? 0) + 1);
    yield line;
  }
}

/** @param {string} name @param {string | undefined} text @param {number} otherwise */
function numberOption(name, text, otherwise) {
  const value = text === undefined ? otherwise : Number(text);
  if (Number.isFinite(value) && value >= 0) return value;
  throw new Error(`--${name} takes a number from 0 up, not ${text}`);
}

const USAGE = `Usage: node generate.mjs --training [--rows 20000] [--seed 1]
       node generate.mjs --events COUNT [--seed 2] [--format json] [--start-ms MS]
                         [--events-per-second 100] [--bad-share 0.01] [--drift-start-ms MS]`;

async function main() {
  const { values } = parseArgs({
    options: {
      training: { type: 'boolean' },
      rows: { type: 'string' },
      events: { type: 'string' },
      seed: { type: 'string' },
      format: { type: 'string' },
      'start-ms': { type: 'string' },
      'events-per-second': { type: 'string' },
      'bad-share': { type: 'string' },
      'drift-start-ms': { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (values.training) {
    const count = numberOption('rows', values.rows, 20_000);
    await writeLines(generateTraining({ seed: numberOption('seed', values.seed, 1), count }));
    return;
  }
  if (values.events === undefined || values.help) {
    console.error(USAGE);
    process.exitCode = values.help ? 0 : 2;
    return;
  }
  if ((values.format ?? 'json') !== 'json') throw new Error(`--format takes json only`);
  const drift = values['drift-start-ms'];
  const counts = new Map();
  const records = generateEvents({
    seed: numberOption('seed', values.seed, 2),
    count: numberOption('events', values.events, 0),
    startMs: numberOption('start-ms', values['start-ms'], EVENTS_START_MS),
    eventsPerSecond: numberOption('events-per-second', values['events-per-second'], 100),
    badShare: numberOption('bad-share', values['bad-share'], 0.01),
    driftStartMs: drift === undefined ? null : numberOption('drift-start-ms', drift, 0),
  });
  await writeLines(jsonLines(records, counts));
  console.error(JSON.stringify(Object.fromEntries(counts)));
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  await main().catch((error) => {
    // The reader has had enough, as in `… | head`.
    if (error.code === 'EPIPE') return;
    console.error(`generate.mjs: ${error.message}\n${USAGE}`);
    process.exitCode = 2;
  });
}
