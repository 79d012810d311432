/**
 * `npm run bench:sketch`: the column sketch beside npm `tdigest` and `@datadog/sketches-js`.
 *
 *     --json         the result as one JSON object on the last line
 *     --rounds N     paired rounds of each speed row, 9
 *     --seeds N      seeds of each error row, 100
 *     --save         keep the result as the baseline
 *
 * Exit code 1 where a target is missed, so that a script can tell.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { measureBytes, measureErrors } from './sketch-error.ts';
import { measureSpeed, type SpeedRow } from './sketch-speed.ts';

/** From where npm runs scripts: the project's root. */
const BASELINE = 'test/bench/sketch.baseline.json';
const SEALED_BYTES_TARGET = 4_096;

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    save: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '9' },
    seeds: { type: 'string', default: '100' },
  },
});

const say = options.json ? () => {} : (line: string) => console.log(line);
const baseline = readBaseline();

say(
  'time                                            ratio   was  target   ns: ours  column  tdigest  DDSketch',
);
const speed = measureSpeed(Number(options.rounds), (row) => say(speedLine(row)));
say('');
say(
  'worst rank error × 1e4                          999 quantiles  target   q = .001, .999  target',
);
const errors = measureErrors(Number(options.seeds), (row) =>
  say(
    [
      `${row.subject}, ${row.distribution}, ${row.way}`.padEnd(46),
      (row.worst * 1e4).toFixed(1).padStart(15),
      target(row.worstTarget, 1e4).padStart(8),
      (row.worstAtEnds * 1e4).toFixed(1).padStart(17),
      target(row.worstAtEndsTarget, 1e4).padStart(8),
    ].join(''),
  ),
);
const bytes = { ...measureBytes(), target: SEALED_BYTES_TARGET };
say('');
say(`a sealed numeric column takes at most ${bytes.sealedBytesMax} bytes (target ${bytes.target})`);

const missed = [
  ...speed.filter(({ ratio, ratioTarget }) => ratio < (ratioTarget ?? 0)).map(({ name }) => name),
  ...errors
    .filter(
      ({ worst, worstAtEnds, worstTarget, worstAtEndsTarget }) =>
        worst > (worstTarget ?? Infinity) || worstAtEnds > (worstAtEndsTarget ?? Infinity),
    )
    .map(({ subject, distribution, way }) => `error: ${subject}, ${distribution}, ${way}`),
  ...(bytes.sealedBytesMax > bytes.target ? ['bytes'] : []),
];
say(missed.length === 0 ? 'every target is met' : `missed: ${missed.join('; ')}`);

const measured = { node: process.version, rounds: Number(options.rounds), speed, errors, bytes };
if (options.save) writeFileSync(BASELINE, `${JSON.stringify(measured, null, 2)}\n`);
if (options.json) console.log(JSON.stringify({ ...measured, missed }));
process.exitCode = missed.length === 0 ? 0 : 1;

function speedLine(row: SpeedRow): string {
  const { TDigest, NumericSketch, tdigest, DDSketch } = row.nanoseconds;
  const was = baseline.get(row.name);
  return [
    row.name.padEnd(46),
    row.ratio.toFixed(1).padStart(7),
    (was === undefined ? '–' : was.toFixed(1)).padStart(6),
    target(row.ratioTarget, 1).padStart(8),
    ...[TDigest, NumericSketch, tdigest, DDSketch].map((time) => time!.toFixed(0).padStart(10)),
  ].join('');
}

function target(value: number | null, factor: number): string {
  return value === null ? '–' : (value * factor).toFixed(0);
}

/** Ratios by row; none before the first `--save`. */
function readBaseline(): ReadonlyMap<string, number> {
  if (!existsSync(BASELINE)) return new Map();
  const stored = JSON.parse(readFileSync(BASELINE, 'utf8')) as {
    readonly speed: readonly SpeedRow[];
  };
  return new Map(stored.speed.map(({ name, ratio }) => [name, ratio]));
}
