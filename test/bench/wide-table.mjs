/**
 * A wide table with nothing drifting in it, as CSV: an id, an event time about once a second, a channel
 * to slice by, and columns of ten kinds in turn: dependent (AR(1), 0.9), small and large whole numbers,
 * text of many categories, with missing values, booleans, lognormal, never below the one before, and
 * normal.
 *
 *     node test/bench/wide-table.mjs ROWS COLUMNS SEED FILE
 *
 * The same arguments give the same bytes.
 */
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';

const [rows, columns, seed] = process.argv.slice(2, 5).map(Number);
const file = process.argv[5];
if (![rows, columns, seed].every(Number.isSafeInteger) || file === undefined) {
  process.stderr.write('usage: node test/bench/wide-table.mjs ROWS COLUMNS SEED FILE\n');
  process.exit(2);
}

const CHANNELS = ['web', 'branch', 'phone', 'partner'];
const NAMED = ['id', 'at', 'channel'];
const PIECE_LENGTH = 1 << 20;

/** Uniform in [0, 1): mulberry32. */
let state = seed >>> 0;
function uniform() {
  state = (state + 0x6d2b79f5) >>> 0;
  let mixed = Math.imul(state ^ (state >>> 15), state | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
}

function normal() {
  return Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

const waves = new Float64Array(columns);
let amount = 0;

function wave(column) {
  waves[column] = 0.9 * waves[column] + normal();
  return waves[column].toFixed(4);
}

function lognormal() {
  amount = Math.exp(normal() + 3);
  return amount.toFixed(2);
}

/** By the last digit of the column's number. */
const KINDS = [
  wave,
  () => Math.floor(uniform() * 50),
  () => `cat${Math.floor(uniform() * uniform() * 200)}`,
  () => (uniform() < 0.02 ? '' : (normal() * 100).toFixed(2)),
  () => uniform() < 0.3,
  lognormal,
  () => (amount + 0.01 + uniform() * 30).toFixed(2),
  () => Math.floor(uniform() * 1_000),
  () => normal().toFixed(5),
  () => normal().toFixed(5),
];

const out = createWriteStream(file);
const features = Array.from({ length: columns - NAMED.length }, (_, at) => at + NAMED.length);
let text = `${[...NAMED, ...features.map((column) => `f${column}`)].join(',')}\n`;
let atMs = Date.UTC(2022, 0, 1);
for (let row = 0; row < rows; row += 1) {
  atMs += Math.floor(uniform() * 2_000);
  const cells = [`u${row}`, atMs, CHANNELS[Math.floor(uniform() * CHANNELS.length)]];
  for (const column of features) cells.push(KINDS[column % KINDS.length](column));
  text += `${cells.join(',')}\n`;
  if (text.length < PIECE_LENGTH) continue;
  if (!out.write(text)) await once(out, 'drain');
  text = '';
}
out.end(text);
await finished(out);
