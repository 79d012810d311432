/**
 * An ensemble as one model: members loaded by the same runtime, one digest over all their files, one
 * placement for all of them.
 *
 * - A member that fails fails the batch, except below a `first`.
 * - Members on workers have threads of their own each, and run beside one another where none reads
 *   what the other gives. The duration of a run is the sum inline, else the longest way through.
 * - Each own input array is moved to a worker at most once, and only if one member alone reads it.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { EnsembleSpec } from '../../core/ensemble/ensemble-spec.ts';
import { CodedError } from '../../core/errors.ts';
import { createBatchCheck } from './check-model-batch.ts';
import { type EnsemblePlan, planEnsemble } from './ensemble-plan.ts';
import { runEnsemble } from './ensemble-run.ts';
import type {
  CostSample,
  LoadedModel,
  LoadOptions,
  ModelDescription,
  ModelRuntime,
  Placement,
} from './model-runtime.ts';

type Members = ReadonlyMap<string, LoadedModel>;

/** Of what decides the answers: the nodes as they are wired, and the members' files. */
function digestOf(spec: EnsembleSpec, members: Members): string {
  const hash = createHash('sha256');
  const nodes = spec.nodes.map((node) =>
    node.kind === 'model' ? { ...node, inputs: [...node.inputs] } : node,
  );
  hash.update(JSON.stringify({ nodes, outputs: [...spec.outputs] }));
  for (const [name, member] of members) hash.update(`\0${name}\0${member.description.digest}`);
  return hash.digest('hex');
}

/** A run of the ensemble is one of each member; sizes that not all have measured are left out. */
function addCosts(members: Members): readonly CostSample[] {
  const all = [...members.values()].map(({ description }) => description.costSamples);
  const [first = []] = all;
  return first.flatMap(({ rowCount }) => {
    let durationMs = 0;
    for (const samples of all) {
      const sample = samples.find((each) => each.rowCount === rowCount);
      if (sample === undefined) return [];
      durationMs += sample.durationMs;
    }
    return [{ rowCount, durationMs }];
  });
}

function describe(spec: EnsembleSpec, plan: EnsemblePlan, members: Members): ModelDescription {
  const fixed = [...members.values()].flatMap(
    ({ description }) => description.batchRowsFixed ?? [],
  );
  return {
    digest: digestOf(spec, members),
    inputs: plan.inputs,
    outputs: plan.outputs,
    batchRowsFixed: fixed.length === 0 ? null : Math.min(...fixed),
    costSamples: addCosts(members),
  };
}

async function closeAll(members: Members): Promise<void> {
  const closed = await Promise.allSettled([...members.values()].map((member) => member.close()));
  for (const outcome of closed) if (outcome.status === 'rejected') throw outcome.reason;
}

function placementOf(members: Members): Placement {
  const isInline = [...members.values()].every(({ placement }) => placement === 'inline');
  return isInline ? 'inline' : 'workers';
}

async function placeAll(members: Members, placement: Placement): Promise<void> {
  await Promise.all([...members.values()].map((member) => member.place(placement)));
}

function createEnsemble(spec: EnsembleSpec, plan: EnsemblePlan, members: Members): LoadedModel {
  let description = describe(spec, plan, members);
  const check = createBatchCheck(description.inputs, description.batchRowsFixed);
  let closing: Promise<void> | null = null;
  return {
    get description() {
      return description;
    },
    get placement() {
      return placementOf(members);
    },
    isInlineable: [...members.values()].every(({ isInlineable }) => isInlineable),
    get batchesInFlightMax() {
      if (placementOf(members) === 'inline') return 1;
      return Math.min(...[...members.values()].map((member) => member.batchesInFlightMax));
    },
    async place(placement) {
      await placeAll(members, placement);
      // What the members cost may have been measured anew.
      description = describe(spec, plan, members);
    },
    async run(batch, options) {
      check(batch, options?.owned ?? false);
      if (closing !== null) throw new CodedError('inference.run', 'the model was closed');
      const run = await runEnsemble({ plan, outputs: spec.outputs }, members, batch, options);
      const durationMs = placementOf(members) === 'inline' ? run.sumMs : run.pathMs;
      return { outputs: run.outputs, durationMs };
    },
    async close() {
      closing ??= closeAll(members);
      await closing;
    },
  };
}

/** `directory` holds the members' files; the file of `options` is not looked at. */
export async function loadEnsemble(
  runtime: ModelRuntime,
  spec: EnsembleSpec,
  directory: string,
  options: Omit<LoadOptions, 'file'>,
): Promise<LoadedModel> {
  const members = new Map<string, LoadedModel>();
  try {
    // One after the other: what a member costs is measured while it is loaded.
    for (const node of spec.nodes) {
      if (node.kind !== 'model') continue;
      members.set(node.name, await runtime.load({ ...options, file: join(directory, node.file) }));
    }
    const descriptions = new Map(
      [...members].map(([name, { description }]) => [name, description]),
    );
    const ensemble = createEnsemble(spec, planEnsemble(spec, descriptions), members);
    // Where one of them is too heavy to run inline, so are all together.
    if (ensemble.placement === 'workers') await ensemble.place('workers');
    return ensemble;
  } catch (error) {
    await closeAll(members);
    throw error;
  }
}
