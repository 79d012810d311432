/**
 * The versions that are loaded and verified: at most one model for each, served by the caller. What is
 * replaced or dropped ends when its last batch is done, and its model is closed then.
 */
import type { LoadedModel } from '../platform/model/model-runtime.ts';
import type { VersionEntry } from './verify-version.ts';

export interface Serving<Served> {
  /** Called again for the same model where it becomes the shadow, or no longer is. */
  serve(version: string, model: LoadedModel, options: { readonly shadow: boolean }): Served;
  /** Once for everything served that something else took the place of; resolves when nothing runs on it. */
  retire(served: Served): Promise<void>;
}

/** A version with the files it was loaded from. */
export interface Held<Served> {
  readonly entry: VersionEntry;
  readonly model: LoadedModel;
  /** Its golden inputs gave what they should. */
  readonly isGolden: boolean;
  readonly served: Served;
  readonly isShadow: boolean;
  /** Number of the last plan that needed it. */
  readonly neededBy: number;
}

type Loaded = Pick<Held<unknown>, 'entry' | 'model' | 'isGolden'>;

export class HeldVersions<Served> {
  readonly #serving: Serving<Served>;
  readonly #onError: (error: unknown) => void;
  readonly #held = new Map<string, Held<Served>>();
  /** Every model that is open, also those on their way out. */
  readonly #open = new Set<LoadedModel>();
  /** Models are closed once: the end of a version and the end of all may meet. */
  readonly #closing = new WeakMap<LoadedModel, Promise<void>>();
  /** Versions whose last batches are running. */
  readonly #ending = new Set<string>();

  constructor(serving: Serving<Served>, onError: (error: unknown) => void) {
    this.#serving = serving;
    this.#onError = onError;
  }

  has(version: string): boolean {
    return this.#held.has(version);
  }

  get(version: string): Held<Served> | null {
    return this.#held.get(version) ?? null;
  }

  all(): ReadonlyMap<string, Held<Served>> {
    return this.#held;
  }

  isEnding(version: string): boolean {
    return this.#ending.has(version);
  }

  /** Serves it in the place of what the version's files were before. */
  hold(loaded: Loaded, isShadow: boolean, neededBy: number): void {
    const { entry, model } = loaded;
    const before = this.#held.get(entry.version);
    const served = this.#serving.serve(entry.version, model, { shadow: isShadow });
    this.#open.add(model);
    this.#held.set(entry.version, { ...loaded, served, isShadow, neededBy });
    if (before !== undefined) this.#end(before);
  }

  /** Other files, but the same model. */
  renew({ entry, isGolden }: Omit<Loaded, 'model'>): void {
    const each = this.#held.get(entry.version)!;
    this.#held.set(entry.version, { ...each, entry, isGolden });
  }

  /** A plan needs it, as its shadow or not. */
  need(version: string, isShadow: boolean, neededBy: number): void {
    const each = this.#held.get(version);
    if (each === undefined) return;
    if (each.isShadow === isShadow) {
      this.#held.set(version, { ...each, neededBy });
      return;
    }
    const served = this.#serving.serve(version, each.model, { shadow: isShadow });
    this.#held.set(version, { ...each, served, isShadow, neededBy });
    this.#serving.retire(each.served).catch(this.#onError);
  }

  drop(version: string): void {
    const each = this.#held.get(version)!;
    this.#held.delete(version);
    this.#end(each);
  }

  /** Waits for no batch: nothing runs any more. */
  async close(): Promise<void> {
    const models = [...this.#open];
    this.#open.clear();
    await Promise.allSettled(models.map((model) => this.#close(model)));
  }

  #close(model: LoadedModel): Promise<void> {
    const closing = this.#closing.get(model) ?? model.close();
    this.#closing.set(model, closing);
    return closing;
  }

  #end({ entry, served, model }: Held<Served>): void {
    const { version } = entry;
    this.#ending.add(version);
    this.#serving
      .retire(served)
      .then(() => this.#close(model))
      .catch(this.#onError)
      .finally(() => {
        this.#ending.delete(version);
        this.#open.delete(model);
      });
  }
}
