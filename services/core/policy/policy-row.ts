/**
 * The outputs of one row on their way through the policies. One object for all rows: `begin` takes
 * the next. The raw outputs are copied when the first of them changes, and are never written to.
 */

export class PolicyRow {
  suppressed = false;
  /** As expressions see them. */
  readonly output = new Map<string, number>();
  readonly raw = new Map<string, number>();
  readonly #names: readonly string[];
  #rawOutputs: readonly number[] = [];
  #changed: number[] | null = null;

  constructor(names: readonly string[]) {
    this.#names = names;
  }

  begin(rawOutputs: readonly number[]): void {
    this.suppressed = false;
    this.#rawOutputs = rawOutputs;
    this.#changed = null;
    for (let i = 0; i < this.#names.length; i++) {
      this.output.set(this.#names[i]!, rawOutputs[i]!);
      this.raw.set(this.#names[i]!, rawOutputs[i]!);
    }
  }

  /** The raw ones themselves where none has changed. */
  get outputs(): readonly number[] {
    return this.#changed ?? this.#rawOutputs;
  }

  at(index: number): number {
    return this.outputs[index]!;
  }

  set(index: number, value: number): void {
    this.#changed ??= [...this.#rawOutputs];
    this.#changed[index] = value;
    this.output.set(this.#names[index]!, value);
  }
}
