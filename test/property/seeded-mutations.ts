/**
 * Mutations of encoded events for long fuzz runs: drawn from one seed without fast-check in between,
 * which would cost more than what is tested.
 */

/** A whole number from 0 up to and without `below`. */
export type Random = (below: number) => number;

/** Bytes that mean something in Avro: sign changes, long varints, large counts, empty blocks. */
const TELLING: readonly (readonly number[])[] = [
  [0xff],
  [0x80],
  [0x00],
  [0x01],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
  [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80],
  [0x80, 0x89, 0x7a],
  [0xc3, 0x28],
  [0x22, 0x5b, 0x7b, 0x7d],
];

/** xorshift32: cheap enough for a hundred thousand mutations, and a seed says it all. */
export function createRandom(seed: number): Random {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** One to three changes: bits and bytes set, stretches removed, doubled or replaced, the end cut off. */
export function mutateBytes(original: Uint8Array, random: Random): Uint8Array {
  let bytes = Array.from(original);
  for (let round = 1 + random(3); round > 0; round--) {
    const at = random(bytes.length + 1);
    const count = random(8);
    switch (random(6)) {
      case 0:
        if (at < bytes.length) bytes[at]! ^= 1 << random(8);
        break;
      case 1:
        if (at < bytes.length) bytes[at] = random(256);
        break;
      case 2:
        bytes.splice(at, count);
        break;
      case 3:
        bytes.splice(at, random(4), ...TELLING[random(TELLING.length)]!);
        break;
      case 4:
        bytes = [...bytes.slice(0, at), ...bytes.slice(random(bytes.length + 1))];
        break;
      default:
        bytes.length = at;
    }
  }
  return Uint8Array.from(bytes);
}
