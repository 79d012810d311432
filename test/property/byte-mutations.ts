/** Bytes with a few of them set, cut off, inserted or removed: what a decoder must refuse or take. */
import fc from 'fast-check';

/** Half of the positions in the head, where the lengths are. */
const position = fc.oneof(fc.nat(60), fc.nat(30_000));

export const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.record({ kind: fc.constant('set' as const), at: position, byte: fc.nat(255) }),
  fc.record({ kind: fc.constant('cut' as const), at: position, byte: fc.nat(255) }),
  fc.record({ kind: fc.constant('insert' as const), at: position, byte: fc.nat(255) }),
  fc.record({ kind: fc.constant('remove' as const), at: position, byte: fc.nat(255) }),
);

export interface Mutation {
  readonly kind: 'set' | 'cut' | 'insert' | 'remove';
  readonly at: number;
  readonly byte: number;
}

export function mutate(bytes: Uint8Array, mutations: readonly Mutation[]): Uint8Array {
  // Room for an insertion each.
  const mutated = new Uint8Array(bytes.length + mutations.length);
  mutated.set(bytes);
  let length = bytes.length;
  for (const { kind, at, byte } of mutations) {
    const index = at % (length + 1);
    if (kind === 'cut') length = index;
    else if (kind === 'insert') {
      mutated.copyWithin(index + 1, index, length++);
      mutated[index] = byte;
    } else if (index < length) {
      if (kind === 'set') mutated[index] = byte;
      else mutated.copyWithin(index, index + 1, length--);
    }
  }
  return mutated.slice(0, length);
}
