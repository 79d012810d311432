/**
 * A replay under a name, on Kafka and Redis: begun or gone on with, executed, and cleared away.
 *
 * Killed at any point and started again with the same words it goes on where it stopped. When it has
 * finished and its result is told, its topics and state are deleted, unless they are to be kept.
 */
import { randomBytes } from 'node:crypto';
import { CodedError } from '../core/errors.ts';
import { runTopics } from '../core/message/topics.ts';
import {
  ensureReplayTopics,
  executeRun,
  observeRun,
  type RunOptions,
} from '../embedded/execute-run.ts';
import type { Bundle } from '../platform/config/load-bundle.ts';
import type { ServicePorts } from '../platform/lifecycle/service-scope.ts';
import {
  isFinished,
  NamedRun,
  type RunName,
  readNamedRun,
  requireSameParts,
  untilTakenOver,
  WATCH_INTERVAL_MS,
} from '../replay/named-run.ts';
import { readPublished } from '../replay/published.ts';
import type { RunSummary } from '../replay/run-observer.ts';
import { bundleParts } from './bundle-digest.ts';
import { scopeOfRun } from './join-run.ts';
import type { OpenSource } from './replay-source.ts';

export class NamedReplay {
  readonly #ports: ServicePorts;
  readonly #bundle: Bundle;
  readonly #runName: RunName;
  readonly #run: NamedRun;
  #isOurs = true;

  private constructor(ports: ServicePorts, bundle: Bundle, runName: RunName, run: NamedRun) {
    this.#ports = ports;
    this.#bundle = bundle;
    this.#runName = runName;
    this.#run = run;
  }

  /** `restart`: whatever there is of the run is deleted first. */
  static async open(
    ports: ServicePorts,
    bundle: Bundle,
    opened: OpenSource,
    { name, restart }: { readonly name: string; readonly restart: boolean },
  ): Promise<NamedReplay> {
    const runName = { monitor: bundle.monitor.name, name };
    const parts = { ...(await bundleParts(bundle)), ...(await opened.parts()) };
    const plan = async () => ({
      id: `${name}-${randomBytes(8).toString('hex')}`,
      parts,
      spans: await opened.fix(),
      writerSchema: opened.writerSchema,
    });
    const known = await readNamedRun(ports.store, runName);
    if (known !== null && (restart || known.phase === 'discarding')) {
      const old = await NamedRun.open(ports.store, runName, plan);
      await new NamedReplay(ports, bundle, runName, old).#delete();
    } else if (known !== null) {
      requireSameParts(name, known.parts, parts);
    }
    const run = await NamedRun.open(ports.store, runName, plan);
    return new NamedReplay(ports, bundle, runName, run);
  }

  get name(): string {
    return this.#runName.name;
  }

  get record() {
    return this.#run.record;
  }

  async execute(options: RunOptions): Promise<RunSummary> {
    const scope = scopeOfRun(this.#bundle, this.record);
    if (isFinished(this.record)) {
      await this.#requireWhole();
      return observeRun(this.#ports, scope, options);
    }
    await ensureReplayTopics(this.#ports, scope, this.record.spans.length);
    if (this.record.phase === 'preparing' && !(await this.#run.advance('open'))) {
      throw this.#takenOver();
    }
    const watching = new AbortController();
    const takenOver = new AbortController();
    void untilTakenOver(this.#ports, this.#runName, this.record, watching.signal).then(() => {
      if (!watching.signal.aborted) takenOver.abort(this.#takenOver());
    });
    try {
      const signal = AbortSignal.any([options.signal, takenOver.signal]);
      const summary = await executeRun(this.#ports, scope, { ...options, signal });
      // A result that is there is told, even where the store has lost the run meanwhile.
      this.#isOurs = await this.#run.advance('finished');
      return summary;
    } finally {
      watching.abort();
    }
  }

  /** When the result is told. Resolves with what could not be deleted, for a person; `null`: all is. */
  async clear(): Promise<string | null> {
    // Who takes part in the run hears of its end before its topics go.
    await this.#ports.clock.sleep(2 * WATCH_INTERVAL_MS);
    try {
      if (!this.#isOurs || !(await this.#run.advance('discarding')))
        return this.#takenOver().message;
      await this.#delete();
      return null;
    } catch (error) {
      return (error as Error).message;
    }
  }

  /** Topics expire sooner than a record that is asked for now and then, and would be read for ever. */
  async #requireWhole(): Promise<void> {
    const { id, spans } = this.record;
    const topic = runTopics(this.#bundle.monitor, id).events;
    await readPublished(this.#ports.bus, { topic, run: id, count: spans.length });
  }

  async #delete(): Promise<void> {
    const topics = runTopics(this.#bundle.monitor, this.record.id);
    await this.#ports.bus.deleteTopics(Object.values(topics));
    await this.#run.forget();
  }

  #takenOver(): CodedError {
    return new CodedError(
      'state.corrupt',
      `run ${this.name} is in the hands of another process, or the store has lost it`,
    );
  }
}
