/**
 * Combiners against naive versions of themselves; whole ensembles of random shape against a naive
 * evaluation of one row at a time, in which a row's answer cannot depend on the rows beside it.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  combineFirst,
  combineMean,
  combineVote,
  combineWeighted,
} from '../../services/core/ensemble/combine.ts';
import type {
  EnsembleNode,
  EnsembleSpec,
  TensorReference,
} from '../../services/core/ensemble/ensemble-spec.ts';
import { orderNodes } from '../../services/core/ensemble/order-nodes.ts';
import { loadEnsemble } from '../../services/platform/model/ensemble-model.ts';
import { createMemberRuntime, type MemberAnswer } from '../support/ensemble-members.ts';

const finite = fc.double({ noNaN: true, min: -1e6, max: 1e6 });
const any = fc.oneof(finite, fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY));

/** Members of one length. */
const members = <T>(element: fc.Arbitrary<T>) =>
  fc
    .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 6 }))
    .chain(([count, length]) =>
      fc.array(fc.array(element, { minLength: length, maxLength: length }), {
        minLength: count,
        maxLength: count,
      }),
    );

describe('combiners', () => {
  test('the mean is the sum by the count, and lies between its members', () => {
    fc.assert(
      fc.property(members(any), (lists) => {
        const arrays = lists.map((list) => Float64Array.from(list));
        const into = new Float64Array(arrays[0]!.length);
        combineMean(arrays, into);
        const columns = [...into.keys()].map((i) => lists.map((list) => list[i]!));
        expect([...into]).toEqual(
          columns.map((column) => column.reduce((sum, each) => sum + each, 0) / column.length),
        );
        for (const [i, column] of columns.entries()) {
          if (!column.every(Number.isFinite)) continue;
          expect(into[i]).toBeGreaterThanOrEqual(Math.min(...column) - 1e-6);
          expect(into[i]).toBeLessThanOrEqual(Math.max(...column) + 1e-6);
        }
      }),
    );
  });

  test('equal weights are the mean, a single weight is its member', () => {
    fc.assert(
      fc.property(members(finite), (lists) => {
        const arrays = lists.map((list) => Float64Array.from(list));
        const [mean, weighted] = [
          new Float64Array(lists[0]!.length),
          new Float64Array(lists[0]!.length),
        ];
        combineMean(arrays, mean);
        combineWeighted(
          arrays,
          arrays.map(() => 1 / arrays.length),
          weighted,
        );
        for (const [i, each] of mean.entries()) expect(weighted[i]).toBeCloseTo(each, 6);
        combineWeighted(
          arrays,
          arrays.map((_, i) => (i === 0 ? 1 : 0)),
          weighted,
        );
        expect([...weighted].map((each) => each + 0)).toEqual(lists[0]!.map((each) => each + 0));
      }),
    );
  });

  test('a vote goes to the label given most often, among several to the first listed', () => {
    fc.assert(
      fc.property(members(fc.constantFrom('a', 'b', 'c', 'd')), (lists) => {
        const into: string[] = lists[0]!.map(() => '');
        combineVote(lists, into, into.length);
        const expected = into.map((_, i) => {
          const votes = new Map<string, number>();
          for (const list of lists) votes.set(list[i]!, (votes.get(list[i]!) ?? 0) + 1);
          // A Map keeps the order of first mention, and sorting is stable.
          return [...votes].sort(([, one], [, other]) => other - one)[0]![0];
        });
        expect(into).toEqual(expected);
      }),
    );
  });

  test('the same vote over numbers of every kind', () => {
    fc.assert(
      fc.property(members(fc.integer({ min: 0, max: 3 })), (lists) => {
        const length = lists[0]!.length;
        const texts: string[] = new Array(length);
        combineVote(
          lists.map((list) => list.map(String)),
          texts,
          length,
        );
        const integers = new BigInt64Array(length);
        combineVote(
          lists.map((list) => BigInt64Array.from(list, BigInt)),
          integers,
          length,
        );
        const floats = new Float32Array(length);
        combineVote(
          lists.map((list) => Float32Array.from(list)),
          floats,
          length,
        );
        expect([...integers].map(String)).toEqual(texts);
        expect([...floats].map(String)).toEqual(texts);
      }),
    );
  });

  test('the first that answers, row by row', () => {
    const member = fc.record({
      rows: fc.array(fc.tuple(any, any), { minLength: 4, maxLength: 4 }),
      failed: fc.option(fc.array(fc.boolean(), { minLength: 4, maxLength: 4 })),
    });
    fc.assert(
      fc.property(fc.array(member, { minLength: 1, maxLength: 4 }), (all) => {
        const into = new Float64Array(8);
        const unanswered = combineFirst(
          all.map(({ rows, failed }) => ({
            data: Float64Array.from(rows.flat()),
            failed: failed === null ? null : Uint8Array.from(failed, Number),
          })),
          into,
          { rowCount: 4, width: 2 },
        );
        for (let row = 0; row < 4; row++) {
          const answers = all.filter(({ failed }) => failed?.[row] !== true);
          const chosen =
            answers.find(({ rows }) => rows[row]!.every(Number.isFinite)) ?? answers[0];
          expect(unanswered?.[row] ?? 0).toBe(chosen === undefined ? 1 : 0);
          expect([...into.subarray(row * 2, row * 2 + 2)]).toEqual(chosen?.rows[row] ?? [0, 0]);
        }
      }),
    );
  });
});

const value = (node: string): TensorReference => ({ node, tensor: 'value' });

/** Nodes `n0 …`, each reading earlier ones or, for a model, perhaps only the ensemble's input. */
const shape = fc
  .array(
    fc.record({
      kind: fc.constantFrom('model', 'model', 'mean', 'weighted', 'first', 'first'),
      reads: fc.array(fc.nat(), { minLength: 1, maxLength: 3 }),
      isStacked: fc.boolean(),
      fails: fc.uniqueArray(fc.integer({ min: 0, max: 7 }), { maxLength: 3 }),
      spoils: fc.uniqueArray(fc.integer({ min: 0, max: 7 }), { maxLength: 3 }),
    }),
    { minLength: 1, maxLength: 7 },
  )
  .map((drafts) => {
    const answers = new Map<string, MemberAnswer>();
    const nodes = drafts.map(({ kind, reads, isStacked, fails, spoils }, index): EnsembleNode => {
      const name = `n${index}`;
      const from = index === 0 ? [] : reads.map((each) => value(`n${each % index}`));
      if (kind === 'model' || index === 0) {
        const inputs = isStacked ? from.slice(0, 1) : [];
        answers.set(`${name}.onnx`, (x) => {
          // The level counts in whole numbers, so a chain of models stays recognisable.
          if (fails.includes(Math.floor(Math.abs(x)) % 8)) return 'fails';
          return spoils.includes(Math.floor(Math.abs(x)) % 8) ? Number.NaN : x + index;
        });
        const wired = inputs.length === 0 ? [] : [['x', inputs] as const];
        return { kind: 'model', name, file: `${name}.onnx`, inputs: new Map(wired) };
      }
      if (kind === 'weighted') {
        return { kind, name, members: from, weights: from.map(() => 1 / from.length) };
      }
      return { kind: kind as 'mean' | 'first', name, members: from };
    });
    return { nodes, answers };
  });

/** One row, one node at a time. */
function naive(
  nodes: readonly EnsembleNode[],
  answers: ReadonlyMap<string, MemberAnswer>,
  x: number,
): Map<string, number | 'fails'> {
  const results = new Map<string, number | 'fails'>();
  const read = ({ node }: TensorReference) => results.get(node)!;
  for (const node of nodes) {
    if (node.kind === 'model') {
      const [from] = [...node.inputs.values()].flat();
      const input = from === undefined ? x : read(from);
      const answer = input === 'fails' ? input : answers.get(node.file)!(input);
      results.set(node.name, answer === 'fails' ? answer : Math.fround(answer));
      continue;
    }
    const given = node.members.map(read);
    const numbers = given.filter((each) => each !== 'fails');
    if (node.kind === 'first') {
      results.set(node.name, numbers.find(Number.isFinite) ?? numbers[0] ?? 'fails');
    } else if (numbers.length < given.length) {
      results.set(node.name, 'fails');
    } else {
      const weights = node.kind === 'weighted' ? node.weights : null;
      const sum = numbers.reduce((all, each, i) => all + each * (weights?.[i] ?? 1), 0);
      results.set(node.name, Math.fround(weights === null ? sum / numbers.length : sum));
    }
  }
  return results;
}

describe('ensembles', () => {
  test('a batch gives what its rows give one by one, or fails where one of them does', async () => {
    const rows = fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 16 });
    await fc.assert(
      fc.asyncProperty(shape, rows, async ({ nodes, answers }, xs) => {
        const outputs = new Map([['out', value(nodes.at(-1)!.name)]]);
        const spec: EnsembleSpec = { nodes, outputs };
        const ensemble = await loadEnsemble(createMemberRuntime(answers), spec, '/models/1', {
          ...{ placement: 'inline', workerCount: 1, threadCount: 1, rowsMax: 16 },
        });
        const expected = xs.map((x) => naive(nodes, answers, x).get(nodes.at(-1)!.name)!);
        const data = Float32Array.from(xs);
        const inputs = new Map([['x', { type: 'float32', data, width: 1 } as const]]);
        const run = ensemble.run({ rowCount: xs.length, inputs }).then(
          (done) => [...(done.outputs.get('out')!.data as Float32Array)],
          (error: { code: string }) => error.code,
        );
        const strict = expected.includes('fails') ? 'inference.run' : expected;
        expect(await run).toEqual(strict);
        await ensemble.close();
      }),
      { numRuns: 500 },
    );
  });

  test('an order has each node after all it reads, or there is a way back', () => {
    const graph = fc.array(fc.array(fc.nat({ max: 7 }), { maxLength: 3 }), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(graph, (edges) => {
        const nodes = edges.map(
          (reads, i): EnsembleNode => ({
            ...{ kind: 'mean', name: `n${i}` },
            members: reads.map((each) => value(`n${each % edges.length}`)),
          }),
        );
        const reads = new Map(
          nodes.map((node) => [
            node.name,
            node.kind === 'mean' ? node.members.map((member) => member.node) : [],
          ]),
        );
        const { ordered, cycle } = orderNodes(nodes);
        if (cycle !== null) {
          expect(cycle.length).toBeGreaterThan(1);
          expect(cycle[0]).toBe(cycle.at(-1));
          for (const [i, name] of cycle.slice(1).entries()) {
            expect(reads.get(cycle[i]!)).toContain(name);
          }
          return;
        }
        expect(ordered.map(({ name }) => name).sort()).toEqual([...reads.keys()].sort());
        for (const [i, { name }] of ordered.entries()) {
          const before = ordered.slice(0, i).map((node) => node.name);
          for (const read of reads.get(name)!) expect(before).toContain(read);
        }
      }),
    );
  });
});
