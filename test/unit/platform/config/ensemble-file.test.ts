/** ensemble.yaml: what it stands for, and every mistake with its line. */
import { describe, expect, test } from 'vitest';
import { parseEnsembleFile } from '../../../../services/platform/config/ensemble-file.ts';
import { formatProblem } from '../../../../services/platform/config/problem.ts';

const parse = (text: string) => parseEnsembleFile('ensemble.yaml', text);

function problemsOf(text: string): readonly string[] {
  const parsed = parse(text);
  return parsed.ok ? [] : parsed.problems.map(formatProblem);
}

const FULL = `
nodes:
  final:  { model: stack.onnx, inputs: { features: [trees.probability, blend] } }
  trees:  { model: trees.onnx }
  linear: { model: linear.onnx }
  blend:  { mean: [trees.probability, linear.probability] }
  vote:   { vote: [trees.label, linear.label, linear.other.label] }
  score:  { weighted: { trees.probability: 3, safe.value: 1 } }
  safe:   { first: [trees.probability, linear.probability] }
outputs:
  probability: final.score
  label: vote
  score: score
`;

test('every kind of node, each after what it reads', () => {
  const parsed = parse(FULL);
  if (!parsed.ok) throw new Error(problemsOf(FULL).join('\n'));
  const { nodes, outputs } = parsed.spec;
  expect(nodes.map(({ name }) => name)).toEqual([
    ...['trees', 'linear', 'blend', 'final', 'vote', 'safe', 'score'],
  ]);
  const [trees, , blend, final, vote, , score] = nodes;
  const probability = { node: 'trees', tensor: 'probability' };
  expect(trees).toEqual({ kind: 'model', name: 'trees', file: 'trees.onnx', inputs: new Map() });
  expect(blend).toMatchObject({
    ...{ kind: 'mean', members: [probability, { node: 'linear', tensor: 'probability' }] },
  });
  expect(final).toEqual({
    ...{ kind: 'model', name: 'final', file: 'stack.onnx' },
    inputs: new Map([['features', [probability, { node: 'blend', tensor: 'value' }]]]),
  });
  // Only the first dot parts a node from its tensor, whose name may have dots.
  expect(vote).toMatchObject({ kind: 'vote', members: [{}, {}, { tensor: 'other.label' }] });
  expect(score).toMatchObject({ kind: 'weighted', weights: [0.75, 0.25] });
  expect([...outputs]).toEqual([
    ['probability', { node: 'final', tensor: 'score' }],
    ['label', { node: 'vote', tensor: 'value' }],
    ['score', { node: 'score', tensor: 'value' }],
  ]);
});

/** One node beside a model, at line 3, and an output that reads it. */
const withNode = (node: string) =>
  `nodes:\n  trees: { model: trees.onnx }\n  other: ${node}\noutputs:\n  p: trees.p\n  q: other.q\n`;

describe('mistakes have their line', () => {
  test.each([
    [
      '{ mean: [tres.p] }',
      ':3:19: nodes.other.mean[0]: there is no node tres; did you mean trees?',
    ],
    ['{ mean: [trees] }', 'trees is a model, expected the name of its output: trees.<output>'],
    ['{ mean: [] }', ':3:18: nodes.other.mean: found a list of 0, expected a list of node.tensor'],
    ['{ mean: trees.p }', 'found "trees.p", expected a list of node.tensor'],
    ['{ mean: [3] }', 'found the number 3, expected node.tensor'],
    ['{ weighted: [trees.p] }', 'found a list of 1, expected node.tensor: weight'],
    ['{ weighted: { trees.p: 0 } }', ':3:33: nodes.other.weighted.trees.p: found the number 0'],
    ['{ weighted: { trees.p: -1 } }', 'expected a weight above 0'],
    ['{ weighted: { trees.p: .inf } }', 'expected a weight above 0'],
    ['{ weighted: { tree.p: 1 } }', 'there is no node tree; did you mean trees?'],
    ['{ mean: [trees.p], vote: [trees.p] }', 'found mean and vote, expected one of model, mean'],
    ['{ median: [trees.p] }', 'found a mapping, expected one of model, mean, weighted'],
    ['[trees.p]', 'found a list of 1, expected one of'],
    ['{ mean: [trees.p], weights: [1] }', ':3:29: nodes.other.weights: unknown key'],
    ['{ model: ../secret.onnx }', 'expected the name of a file beside this one'],
    ['{ model: "a\\\\b.onnx" }', 'expected the name of a file beside this one'],
    ['{ model: .. }', 'expected the name of a file beside this one'],
    ['{ model: 3 }', 'expected the name of a file beside this one'],
    ['{ model: a.onnx, input: {} }', 'unknown key; did you mean inputs?'],
    ['{ model: a.onnx, inputs: [] }', 'found a list of 0, expected a mapping of inputs'],
    ['{ model: a.onnx, inputs: { x: [] } }', 'nodes.other.inputs.x: found a list of 0'],
  ])('%s', (node, message) => {
    expect(problemsOf(withNode(node)).join('\n')).toContain(message);
  });

  test('a combiner has one output', () => {
    expect(problemsOf(withNode('{ mean: [trees.p] }'))).toEqual([
      'ensemble.yaml:6:6: outputs.q: other has one output, expected other alone',
    ]);
  });

  test('a circle is told with its way', () => {
    const text = `nodes:
  a: { mean: [b.y] }
  b: { model: b.onnx, inputs: { x: [c] } }
  c: { first: [a] }
outputs: { p: a }
`;
    expect(problemsOf(text)).toEqual([
      'ensemble.yaml:2:3: nodes.a: it reads its own result: a → b → c → a',
    ]);
  });

  test('a node that no output needs', () => {
    const text = 'nodes:\n  a: { model: a.onnx }\n  b: { model: b.onnx }\noutputs: { p: a.p }\n';
    expect(problemsOf(text)).toEqual([
      'ensemble.yaml:3:3: nodes.b: no output needs it; leave it out, it would run for nothing',
    ]);
  });

  test('too many nodes', () => {
    const nodes = Array.from({ length: 65 }, (_, i) => `  n${i}: { model: a.onnx }\n`).join('');
    expect(problemsOf(`nodes:\n${nodes}outputs: { p: n0.p }\n`)).toEqual([
      'ensemble.yaml:1:1: nodes: found 65 nodes, expected at most 64',
    ]);
  });

  test.each([
    ['', 'expected nodes and outputs'],
    ['- a', 'found a list of 1, expected nodes and outputs'],
    ['nodes: {}\noutputs: {}', 'expected a mapping with at least one entry'],
    ['nodes: { a: { model: a.onnx } }', 'outputs: found nothing, expected a mapping'],
    ['nodes: { a: { model: a.onnx } }\noutput: { p: a.p }', 'unknown key; did you mean outputs?'],
    ['nodes: { a.b: { model: a.onnx } }\noutputs: { p: a.b }', 'a node is named by letters'],
    ['nodes: { a: { model: a.onnx } }\noutputs: { p: constructor.x }', 'no node constructor'],
    ['nodes: { a: [', 'ensemble.yaml:1:'],
  ])('%j', (text, message) => {
    expect(problemsOf(text).join('\n')).toContain(message);
  });
});
