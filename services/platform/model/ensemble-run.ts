/**
 * One batch through the nodes of an ensemble: each runs as soon as what it reads is there, so that
 * members on worker threads run beside one another.
 */
import {
  combineFirst,
  combineMean,
  combineVote,
  combineWeighted,
  type Floats,
  type Labels,
  type Numbers,
} from '../../core/ensemble/combine.ts';
import {
  type CombinerNode,
  referencesOf,
  type TensorReference,
} from '../../core/ensemble/ensemble-spec.ts';
import { CodedError } from '../../core/errors.ts';
import type { EnsemblePlan, PlannedNode } from './ensemble-plan.ts';
import { layColumns } from './ensemble-tensor.ts';
import type { LoadedModel, ModelBatch, ModelOutputs, RunOptions, Tensor } from './model-runtime.ts';
import { blankTensor } from './onnx-tensor.ts';
import { runForgiven } from './run-forgiven.ts';

interface NodeResult {
  readonly outputs: ModelOutputs;
  /** 1 for each row without an answer; `null`: all have one. Only under a `first`. */
  readonly failed: Uint8Array | null;
  readonly error: CodedError | null;
  readonly ownMs: number;
  /** Of the longest way here, itself included. */
  readonly pathMs: number;
}

type Results = ReadonlyMap<string, NodeResult>;

export interface EnsembleRun {
  readonly outputs: ModelOutputs;
  /** Of all models together. */
  readonly sumMs: number;
  /** Of the longest way from an input to an output. */
  readonly pathMs: number;
}

function tensorAt({ node, tensor }: TensorReference, results: Results): Tensor {
  return results.get(node)!.outputs.get(tensor)!;
}

/** Rows that any of them lacks. */
function joinFailed(sources: readonly NodeResult[], rowCount: number): Uint8Array | null {
  let joined: Uint8Array | null = null;
  for (const { failed } of sources) {
    if (failed === null) continue;
    joined ??= new Uint8Array(rowCount);
    for (let row = 0; row < rowCount; row++) joined[row]! |= failed[row]!;
  }
  return joined;
}

function combine(
  node: CombinerNode,
  into: Tensor,
  results: Results,
  rowCount: number,
): Uint8Array | null {
  const members = node.members.map((member) => tensorAt(member, results).data);
  const sources = node.members.map((member) => results.get(member.node)!);
  // The types were checked when the ensemble was planned.
  const target = into.data as Floats & Labels;
  switch (node.kind) {
    case 'mean':
      combineMean(members as readonly Numbers[], target);
      break;
    case 'weighted':
      combineWeighted(members as readonly Numbers[], node.weights, target);
      break;
    case 'vote':
      combineVote(members, target, target.length);
      break;
    case 'first': {
      const candidates = members.map((data, i) => ({ data, failed: sources[i]!.failed }));
      return combineFirst(candidates, target, { rowCount, width: into.width });
    }
  }
  return joinFailed(sources, rowCount);
}

function buildBatch(planned: PlannedNode, batch: ModelBatch, results: Results): ModelBatch {
  const { rowCount } = batch;
  const inputs = new Map<string, Tensor>();
  for (const { description, from } of planned.inputs) {
    const { name, type } = description;
    const sources = from.map((reference) => tensorAt(reference, results));
    const [only] = sources;
    if (only === undefined) inputs.set(name, batch.inputs.get(name)!);
    else if (sources.length === 1 && only.type === type) inputs.set(name, only);
    else {
      const joined = blankTensor(description, rowCount);
      layColumns(sources, joined, rowCount);
      inputs.set(name, joined);
    }
  }
  return { rowCount, inputs };
}

async function runModel(
  planned: PlannedNode,
  model: LoadedModel,
  batch: ModelBatch,
  owned: boolean,
) {
  if (planned.mayFail) return runForgiven(model, batch);
  const run = await model.run(batch, { owned: owned && planned.ownsInputs });
  return { ...run, failed: null, error: null };
}

async function runNode(
  planned: PlannedNode,
  model: LoadedModel | undefined,
  batch: ModelBatch,
  results: Results,
  owned: boolean,
): Promise<NodeResult> {
  const { node } = planned;
  const { rowCount } = batch;
  const sources = referencesOf(node).map((reference) => results.get(reference.node)!);
  const beforeMs = sources.reduce((longest, { pathMs }) => Math.max(longest, pathMs), 0);
  const error = sources.find((source) => source.error !== null)?.error ?? null;
  if (node.kind !== 'model') {
    const [description] = planned.outputs;
    const into = blankTensor(description!, rowCount);
    const failed = combine(node, into, results, rowCount);
    const outputs = new Map([[description!.name, into]]);
    return { outputs, failed, error, ownMs: 0, pathMs: beforeMs };
  }
  const run = await runModel(planned, model!, buildBatch(planned, batch, results), owned);
  const failed = joinFailed([...sources, { ...run, ownMs: 0, pathMs: 0 }], rowCount);
  return {
    outputs: run.outputs,
    failed,
    error: error ?? run.error,
    ownMs: run.durationMs,
    pathMs: beforeMs + run.durationMs,
  };
}

/** Fails as a whole: with the failure of the first node, in their order, that nothing forgives. */
export async function runEnsemble(
  {
    plan,
    outputs: wanted,
  }: {
    readonly plan: EnsemblePlan;
    readonly outputs: ReadonlyMap<string, TensorReference>;
  },
  models: ReadonlyMap<string, LoadedModel>,
  batch: ModelBatch,
  { owned = false }: RunOptions = {},
): Promise<EnsembleRun> {
  const results = new Map<string, NodeResult>();
  const pending = new Map<string, Promise<void>>();
  for (const planned of plan.nodes) {
    const { node } = planned;
    const sources = referencesOf(node).map((reference) => pending.get(reference.node)!);
    const run = Promise.all(sources).then(async () => {
      const model = models.get(node.name);
      results.set(node.name, await runNode(planned, model, batch, results, owned));
    });
    pending.set(node.name, run);
  }
  // All of them: a run that still goes on would read arrays its caller has back.
  const settled = await Promise.allSettled(pending.values());
  for (const outcome of settled) if (outcome.status === 'rejected') throw outcome.reason;

  const outputs = new Map<string, Tensor>();
  let pathMs = 0;
  for (const [name, reference] of wanted) {
    const result = results.get(reference.node)!;
    if (result.failed?.includes(1)) {
      throw result.error ?? new CodedError('inference.run', `no member answers for ${name}`);
    }
    outputs.set(name, tensorAt(reference, results));
    pathMs = Math.max(pathMs, result.pathMs);
  }
  const sumMs = [...results.values()].reduce((sum, { ownMs }) => sum + ownMs, 0);
  return { outputs, sumMs, pathMs };
}
