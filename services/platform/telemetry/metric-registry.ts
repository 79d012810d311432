/**
 * One instrument per metric name: several services of one process may define the same metric, and
 * share it; the same name with another meaning is a mistake of ours and throws.
 */
import type { HistogramDefinition, MetricDefinition } from './telemetry.ts';

export type InstrumentKind = 'counter' | 'gauge' | 'histogram';

export class MetricRegistry<Instrument> {
  readonly #instruments = new Map<string, { signature: string; instrument: Instrument }>();

  define<Chosen extends Instrument>(
    kind: InstrumentKind,
    definition: MetricDefinition | HistogramDefinition,
    create: () => Chosen,
  ): Chosen {
    const boundaries = 'boundaries' in definition ? definition.boundaries : [];
    const signature = JSON.stringify([kind, definition.unit, definition.description, boundaries]);
    const known = this.#instruments.get(definition.name);
    if (known === undefined) {
      const instrument = create();
      this.#instruments.set(definition.name, { signature, instrument });
      return instrument;
    }
    if (known.signature !== signature) {
      throw new Error(`metric ${definition.name} is already defined differently`);
    }
    // The signature holds the kind, and every kind is made by one `create`.
    return known.instrument as Chosen;
  }
}
