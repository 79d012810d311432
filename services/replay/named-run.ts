/**
 * What is kept of a run that has a name, so that it can be gone on with and taken part in: its id, its
 * plan and how far it is.
 *
 * The name is the user's, the id is drawn when the run begins: the run's topics, groups and state carry
 * the id. So the range of a run is fixed before its id exists, and no record in it can pass for the
 * run's end; and a run begun anew under the same name meets nothing of the earlier one.
 *
 * The record stands in the state store as the position of a shard of its own, and every change of it is
 * one fenced commit: who opens a run again takes it over, and whoever held it learns of that.
 */
import { CodedError } from '../core/errors.ts';
import type { Clock } from '../platform/clock/clock.ts';
import type { ShardId, StateStore } from '../platform/store/state-store.ts';
import type { SourceSpan } from './source.ts';

/** `discarding`: finished, and its topics and state are being deleted. */
export type RunPhase = 'preparing' | 'open' | 'finished' | 'discarding';

export interface RunPlan {
  readonly id: string;
  /** What the run is made of, each part with a digest or a word a person can compare. */
  readonly parts: Readonly<Record<string, string>>;
  readonly spans: readonly SourceSpan[];
  /** Of an Avro file: what its records were written with; `null` for other sources. */
  readonly writerSchema: unknown;
}

export interface RunRecord extends RunPlan {
  readonly phase: RunPhase;
  /** Of the store's claim; every taking over has a higher one. */
  readonly epoch: number;
}

export interface RunName {
  readonly monitor: string;
  readonly name: string;
}

export class NamedRun {
  readonly #store: StateStore;
  readonly #runName: RunName;
  #record: RunRecord;

  private constructor(store: StateStore, runName: RunName, record: RunRecord) {
    this.#store = store;
    this.#runName = runName;
    this.#record = record;
  }

  get record(): RunRecord {
    return this.#record;
  }

  /** Takes over the run of this name, or begins it by the plan. */
  static async open(
    store: StateStore,
    runName: RunName,
    plan: () => Promise<RunPlan>,
  ): Promise<NamedRun> {
    const claim = await store.claim(shardOf(runName));
    const known = claim.position === null ? null : parseRecord(claim.position);
    const record: RunRecord =
      known === null
        ? { ...(await plan()), phase: 'preparing', epoch: claim.epoch }
        : { ...known, epoch: claim.epoch };
    const run = new NamedRun(store, runName, record);
    if (await run.#commit(claim.position, record)) return run;
    throw new CodedError(
      'configuration.invalid',
      `run ${runName.name} was opened by another process at the same time`,
    );
  }

  /** `false` where another process has taken the run over meanwhile: what comes next is its business. */
  async advance(phase: RunPhase): Promise<boolean> {
    const next = { ...this.#record, phase };
    const committed = await this.#commit(encodeRecord(this.#record), next);
    if (committed) this.#record = next;
    return committed;
  }

  /** The last step: the state of the run, then its name. */
  async forget(): Promise<void> {
    await this.#store.forgetRun(this.#record.id);
    await this.#store.forgetRun(shardOf(this.#runName).run);
  }

  async #commit(expectedPosition: string | null, record: RunRecord): Promise<boolean> {
    const shard = shardOf(this.#runName);
    const position = encodeRecord(record);
    const { epoch } = record;
    const commit = { epoch, expectedPosition, position, puts: new Map(), deletes: [] };
    try {
      const outcome = await this.#store.commit(shard, commit);
      if (outcome.kind === 'position-mismatch') return outcome.storedPosition === position;
      return outcome.kind === 'committed';
    } catch (error) {
      const unknown = error instanceof CodedError && error.code === 'dependency.store-unknown';
      if (unknown && (await this.#store.readPosition(shard)) === position) return true;
      throw error;
    }
  }
}

/** `null` where there is no run of this name. */
export async function readNamedRun(store: StateStore, runName: RunName): Promise<RunRecord | null> {
  const position = await store.readPosition(shardOf(runName));
  return position === null ? null : parseRecord(position);
}

/** How often who takes part in a run looks whether it is over. */
export const WATCH_INTERVAL_MS = 1_000;

interface WatchPorts {
  readonly store: StateStore;
  readonly clock: Clock;
}

/** Resolves when the run is finished or gone, or `signal` aborts; never rejects. */
export function untilRunOver(
  ports: WatchPorts,
  runName: RunName,
  { id }: RunRecord,
  signal: AbortSignal,
): Promise<void> {
  return watch(ports, runName, signal, (now) => now?.id !== id || isFinished(now));
}

/** Resolves when another process holds the run, or `signal` aborts; never rejects. */
export function untilTakenOver(
  ports: WatchPorts,
  runName: RunName,
  { epoch }: RunRecord,
  signal: AbortSignal,
): Promise<void> {
  return watch(ports, runName, signal, (now) => now !== null && now.epoch > epoch);
}

export function isFinished({ phase }: RunRecord): boolean {
  return phase === 'finished' || phase === 'discarding';
}

/** A store that does not answer has said nothing. */
async function watch(
  { store, clock }: WatchPorts,
  runName: RunName,
  signal: AbortSignal,
  isReached: (now: RunRecord | null) => boolean,
): Promise<void> {
  while (!signal.aborted) {
    const reached = await readNamedRun(store, runName).then(isReached, () => false);
    if (reached) return;
    await clock.sleep(WATCH_INTERVAL_MS, signal);
  }
}

/** Throws `configuration.invalid` naming every part in which the plans differ. */
export function requireSameParts(
  name: string,
  begun: Readonly<Record<string, string>>,
  given: Readonly<Record<string, string>>,
): void {
  const differing = Object.keys(given).filter((part) => begun[part] !== given[part]);
  if (differing.length === 0) return;
  const lines = differing.map((part) => `${part} was ${begun[part]}, is ${given[part]}`);
  throw new CodedError(
    'configuration.invalid',
    `run ${name} was begun with something else and cannot go on with this: ${lines.join('; ')}; give the run another name, or begin it anew with --restart`,
  );
}

/** The slash keeps it apart from every run's id. */
function shardOf({ monitor, name }: RunName): ShardId {
  return { run: `${monitor}/${name}`, monitor, service: 'replay', topic: 'run', partition: 0 };
}

function encodeRecord(record: RunRecord): string {
  const { id, phase, epoch, parts, spans, writerSchema } = record;
  return JSON.stringify({ version: 1, id, phase, epoch, parts, spans, writerSchema });
}

function parseRecord(position: string): RunRecord {
  const parsed = JSON.parse(position) as RunRecord & { readonly version: unknown };
  const { version, ...record } = parsed;
  if (version === 1) return record;
  throw new CodedError('state.corrupt', `the record of a run has version ${version}, expected 1`);
}
