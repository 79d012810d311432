/**
 * Which of the counted categories is the least frequent: the one Space-Saving gives up.
 *
 * A binary heap that is not told when a count rises: it finds out when the category comes to the top,
 * and then lets it sink. Counts only rise, so what is at the top with the right count is the least;
 * at a tie it is the last by code units. The answer depends on the counts alone, not on how they came
 * about, so a sketch that was written and read gives up the same ones.
 */

export class LeastFrequent {
  readonly #categories: string[] = [];
  readonly #counts: number[] = [];
  readonly #countOf: (category: string) => number;

  /** `countOf` says what a category counts now: never less than before. */
  constructor(categories: Iterable<string>, countOf: (category: string) => number) {
    this.#countOf = countOf;
    for (const category of categories) {
      this.#categories.push(category);
      this.#counts.push(countOf(category));
    }
    for (let index = (this.#categories.length >> 1) - 1; index >= 0; index--) this.#sink(index);
  }

  /** The least frequent one; there must be one. */
  peek(): string {
    for (;;) {
      const category = this.#categories[0]!;
      const count = this.#countOf(category);
      if (count === this.#counts[0]) return category;
      this.#counts[0] = count;
      this.#sink(0);
    }
  }

  /** Puts another category in the place of what `peek` gave. */
  replace(category: string): void {
    this.#categories[0] = category;
    this.#counts[0] = this.#countOf(category);
    this.#sink(0);
  }

  #sink(from: number): void {
    const category = this.#categories[from]!;
    const count = this.#counts[from]!;
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.#categories.length) break;
      if (child + 1 < this.#categories.length && this.#isBefore(child + 1, child)) child++;
      const childCount = this.#counts[child]!;
      if (count < childCount) break;
      if (count === childCount && category > this.#categories[child]!) break;
      this.#categories[at] = this.#categories[child]!;
      this.#counts[at] = childCount;
      at = child;
    }
    this.#categories[at] = category;
    this.#counts[at] = count;
  }

  #isBefore(left: number, right: number): boolean {
    const difference = this.#counts[left]! - this.#counts[right]!;
    return difference === 0 ? this.#categories[left]! > this.#categories[right]! : difference < 0;
  }
}
