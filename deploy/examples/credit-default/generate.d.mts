/** Types of generate.mjs, for the TypeScript that imports it. */
export interface CreditApplication {
  readonly applicationId: string;
  /** Milliseconds since 1970. */
  readonly submittedAt: number;
  readonly applicant: {
    readonly age: number;
    readonly income: number;
    readonly employment: string;
  };
  readonly loan: {
    readonly amount: number;
    readonly termMonths: number;
    readonly purpose: string;
  };
  readonly utilisation: number | null;
  readonly channel: string;
  readonly tags: readonly string[];
}

export type BadKind =
  | 'undecodable'
  | 'truncated-avro'
  | 'avro-bomb'
  | 'empty'
  | 'wrong-type'
  | 'missing-field'
  | 'age-out-of-range'
  | 'loan-too-large'
  | 'unknown-employment'
  | 'year-9999';

export declare const BAD_KINDS: readonly BadKind[];

export type GeneratedRecord =
  | { readonly kind: 'good'; readonly timestampMs: number; readonly event: CreditApplication }
  | { readonly kind: BadKind; readonly timestampMs: number; readonly bytes: Uint8Array };

export interface GenerateOptions {
  readonly seed: number;
  readonly count: number;
  /** Timestamp of the first record, and the earliest event time. */
  readonly startMs: number;
  readonly eventsPerSecond: number;
  /** Share of records that are bad, 0 to 1; the kinds take turns. */
  readonly badShare: number;
  /** Event time from which the campaign runs; `null`: never. */
  readonly driftStartMs: number | null;
}

/** What the generator does to the stream at `driftStartMs`. */
export declare const INJECTED_DRIFT: {
  readonly kind: 'sudden';
  readonly column: 'applicant.age';
  readonly description: string;
};

export declare function generateEvents(options: GenerateOptions): Generator<GeneratedRecord>;

/** Header and rows of the training table, without line ends. */
export declare function generateTraining(options: {
  readonly seed: number;
  readonly count: number;
}): Generator<string>;
