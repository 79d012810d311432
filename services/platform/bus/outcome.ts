/** A promise settled from outside; nobody need be waiting when it rejects. */
export interface Outcome {
  readonly reached: Promise<void>;
  resolve(): void;
  reject(error: unknown): void;
}

export function createOutcome(): Outcome {
  let settle!: Pick<Outcome, 'resolve' | 'reject'>;
  const reached = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject };
  });
  reached.catch(() => undefined);
  return { reached, ...settle };
}
