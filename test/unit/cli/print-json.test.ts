/** JSON written piece by piece is the JSON written at once. */
import { Writable } from 'node:stream';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { printJson } from '../../../services/cli/print-json.ts';

it('is what JSON.stringify gives, however slowly it is taken', async () => {
  const member = fc.oneof(fc.jsonValue(), fc.array(fc.jsonValue()));
  await fc.assert(
    fc.asyncProperty(fc.dictionary(fc.string(), member, { minKeys: 1 }), async (value) => {
      const pieces: string[] = [];
      const slow = new Writable({
        highWaterMark: 1,
        write(chunk, _encoding, done) {
          pieces.push(String(chunk));
          setImmediate(done);
        },
      });
      await printJson(slow, value);
      expect(pieces.join('')).toBe(`${JSON.stringify(value)}\n`);
    }),
  );
});
