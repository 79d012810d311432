/**
 * The part of a report that compares versions of the model with each other: what each of them said
 * about its own events of the window, while the plan splits the events among them.
 */

export interface VersionReport {
  readonly version: string;
  /** Predictions it answered. */
  readonly count: number;
  /** The version it is held against: the one that answered most. */
  readonly comparedWith: string;
  /** In the order of the monitor's `model.outputs`; what the model said, before any policy. */
  readonly outputs: readonly VersionOutputReport[];
}

/** `null` where there is no finite value, or too few to say. */
export interface VersionOutputReport {
  readonly name: string;
  readonly mean: number | null;
  readonly standardDeviation: number | null;
  /** Kolmogorov–Smirnov distance from the version it is held against. */
  readonly ks: number | null;
}

export const VERSION_REPORT_SCHEMA = {
  type: 'record',
  name: 'VersionReport',
  fields: [
    { name: 'version', type: 'string' },
    { name: 'count', type: 'long', doc: 'Predictions it answered.' },
    { name: 'comparedWith', type: 'string', doc: 'The version that answered most.' },
    {
      name: 'outputs',
      type: {
        type: 'array',
        items: {
          type: 'record',
          name: 'VersionOutputReport',
          fields: [
            { name: 'name', type: 'string' },
            { name: 'mean', type: ['null', 'double'] },
            { name: 'standardDeviation', type: ['null', 'double'] },
            { name: 'ks', type: ['null', 'double'], doc: 'From the version compared with.' },
          ],
        },
      },
    },
  ],
} as const;
