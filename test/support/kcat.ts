/** kcat, a Kafka client that shares no code with ours: what it writes and reads is the proof. */
import { spawn, spawnSync } from 'node:child_process';
import { describe } from 'vitest';

export interface KcatRecord {
  readonly partition: number;
  readonly offset: number;
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: Buffer;
}

export function hasKcat(): boolean {
  return spawnSync('kcat', ['-V']).error === undefined;
}

export function describeWithKcat(name: string, body: () => void): void {
  if (hasKcat()) describe(name, body);
  else describe.skip(`${name} (skipped: kcat is not on the PATH)`, body);
}

/** Idempotent, so that what a test sends is what the topic holds. */
const PRODUCE = ['-P', '-X', 'enable.idempotence=true'];

/** One record per line, `key<TAB>value`; `options` are kcat's own. */
export async function produceLines(
  brokers: string,
  topic: string,
  lines: readonly string[],
  options: readonly string[] = [],
): Promise<void> {
  await kcat(
    [...PRODUCE, '-b', brokers, '-t', topic, '-K', '\t', ...options],
    Buffer.from(`${lines.join('\n')}\n`),
  );
}

/** One record per file, as it stands. */
export async function produceFiles(
  brokers: string,
  topic: string,
  files: readonly string[],
): Promise<void> {
  await kcat([...PRODUCE, '-b', brokers, '-t', topic, ...files]);
}

/** Everything the topic holds now. */
export async function consumeAll(brokers: string, topic: string): Promise<readonly KcatRecord[]> {
  // %R is the value's length as a big-endian 32-bit number; the text before it holds no newline.
  const format = '%p\t%o\t%k\t%h\n%R%s';
  const output = await kcat(['-C', '-b', brokers, '-t', topic, '-e', '-q', '-f', format]);
  return [...parseRecords(output)].sort((a, b) => a.partition - b.partition || a.offset - b.offset);
}

function* parseRecords(output: Buffer): Generator<KcatRecord> {
  let at = 0;
  while (at < output.length) {
    const end = output.indexOf(0x0a, at);
    const [partition, offset, key, headers] = output.subarray(at, end).toString().split('\t');
    const length = output.readInt32BE(end + 1);
    const from = end + 5;
    at = from + Math.max(0, length);
    yield {
      partition: Number(partition),
      offset: Number(offset),
      key: key!,
      headers: parseHeaders(headers!),
      value: output.subarray(from, at),
    };
  }
}

/** `a=1,b=2`; a comma inside a value is not told from one between headers, which tests avoid. */
function parseHeaders(text: string): Record<string, string> {
  const headers: Record<string, string> = {};
  let last = '';
  for (const part of text === '' ? [] : text.split(',')) {
    const equals = part.indexOf('=');
    if (/^[a-z][a-z-]*$/.test(part.slice(0, equals))) {
      last = part.slice(0, equals);
      headers[last] = part.slice(equals + 1);
    } else {
      headers[last] += `,${part}`;
    }
  }
  return headers;
}

async function kcat(args: readonly string[], input: Buffer = Buffer.alloc(0)): Promise<Buffer> {
  const child = spawn('kcat', args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const output: Buffer[] = [];
  let complaint = '';
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => {
    complaint += chunk.toString();
  });
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  if (code !== 0) throw new Error(`kcat ${args.join(' ')} ended with ${code}: ${complaint}`);
  return Buffer.concat(output);
}
