/**
 * What is started when it is first asked for, once for all who ask meanwhile; and anew where that failed
 * or it was taken away.
 */
export class Startable<T> {
  readonly #start: () => Promise<T>;
  #starting: Promise<T> | null = null;
  #started: T | null = null;

  constructor(start: () => Promise<T>) {
    this.#start = start;
  }

  get started(): T | null {
    return this.#started;
  }

  async ready(): Promise<T> {
    if (this.#started !== null) return this.#started;
    this.#starting ??= this.#start();
    try {
      this.#started = await this.#starting;
      return this.#started;
    } finally {
      this.#starting = null;
    }
  }

  /** The caller closes it. */
  async take(): Promise<T | null> {
    await this.#starting?.catch(() => null);
    const taken = this.#started;
    this.#started = null;
    return taken;
  }
}
