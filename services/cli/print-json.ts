/**
 * One JSON object as one line, written piece by piece: the result of a long replay is longer than a
 * string can be.
 */
import { once } from 'node:events';
import type { Writable } from 'node:stream';

/** Lists at the top are written item by item; the text is that of `JSON.stringify`. */
export async function printJson(stream: Writable, value: object): Promise<void> {
  let before = '{';
  for (const [key, member] of Object.entries(value)) {
    const name = `${before}${JSON.stringify(key)}:`;
    before = ',';
    if (!Array.isArray(member)) {
      await write(stream, name + JSON.stringify(member));
      continue;
    }
    await write(stream, `${name}[`);
    for (const [index, item] of member.entries()) {
      await write(stream, (index === 0 ? '' : ',') + JSON.stringify(item));
    }
    await write(stream, ']');
  }
  await write(stream, '}\n');
}

async function write(stream: Writable, text: string): Promise<void> {
  if (!stream.write(text)) await once(stream, 'drain');
}
