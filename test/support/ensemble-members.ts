/**
 * Members of ensembles by plain arithmetic: a file is a function of one number, `x` in and `value` out,
 * and a batch fails where one of its rows does.
 */
import { CodedError } from '../../services/core/errors.ts';
import type {
  LoadedModel,
  LoadOptions,
  ModelBatch,
  ModelDescription,
  ModelRuntime,
  Placement,
  RunOptions,
} from '../../services/platform/model/model-runtime.ts';

export type MemberAnswer = (x: number) => number | 'fails';

export const MEMBER_DESCRIPTION: ModelDescription = {
  digest: 'd1'.repeat(32),
  inputs: [{ name: 'x', type: 'float32', shape: [1] }],
  outputs: [{ name: 'value', type: 'float32', shape: [1] }],
  batchRowsFixed: null,
  costSamples: [
    { rowCount: 1, durationMs: 0.01 },
    { rowCount: 64, durationMs: 0.1 },
  ],
};

/** By file name. */
export function createMemberRuntime(answers: ReadonlyMap<string, MemberAnswer>): ModelRuntime {
  return {
    coreCount: 2,
    async load({ file }) {
      const answer = answers.get(file.slice(file.lastIndexOf('/') + 1))!;
      return createMember({
        run: (batch) => {
          const data = batch.inputs.get('x')!.data as Float32Array;
          const values = Array.from(data, (x) => {
            const value = answer(x);
            if (value === 'fails') throw new CodedError('inference.run', `it fails on ${x}`);
            return value;
          });
          const output = { type: 'float32', data: Float32Array.from(values), width: 1 } as const;
          return new Map([['value', output]]);
        },
      });
    },
  };
}

export interface MemberParts {
  readonly description?: Partial<ModelDescription>;
  readonly placement?: Placement;
  readonly isInlineable?: boolean;
  readonly durationMs?: number;
  run(
    batch: ModelBatch,
    options?: RunOptions,
  ): ReadonlyMap<string, { type: 'float32'; data: Float32Array; width: number }>;
}

export interface Member extends LoadedModel {
  readonly closed: boolean;
}

export function createMember(parts: MemberParts): Member {
  let placement = parts.placement ?? 'inline';
  let closed = false;
  return {
    description: { ...MEMBER_DESCRIPTION, ...parts.description },
    get placement() {
      return placement;
    },
    isInlineable: parts.isInlineable ?? true,
    get batchesInFlightMax() {
      return placement === 'inline' ? 1 : 4;
    },
    get closed() {
      return closed;
    },
    async place(next) {
      placement = next;
    },
    async run(batch, options) {
      return { outputs: parts.run(batch, options), durationMs: parts.durationMs ?? 1 };
    },
    async close() {
      closed = true;
    },
  };
}

/** Loads the member of that file name; a function is called at each load. */
export function createRuntimeOf(
  members: Readonly<Record<string, LoadedModel | ((options: LoadOptions) => LoadedModel)>>,
): ModelRuntime {
  return {
    coreCount: 2,
    async load(options) {
      const member = members[options.file.slice(options.file.lastIndexOf('/') + 1)]!;
      return typeof member === 'function' ? member(options) : member;
    },
  };
}
