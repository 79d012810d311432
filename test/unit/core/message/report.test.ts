/** Reports as bytes: written, read, and refused where they are not ours. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DRIFT_SHAPES } from '../../../../services/core/decision/drift-shape.ts';
import {
  type ColumnReport,
  type Report,
  reportCodec,
  type Verdict,
} from '../../../../services/core/message/report.ts';
import type { VersionReport } from '../../../../services/core/message/version-report.ts';

const verdict = fc.constantFrom<Verdict>('ok', 'drift', 'insufficient-data', 'no-reference');
// The greatest safe integer itself is beyond what the Avro encoder takes.
const count = fc.nat(Number.MAX_SAFE_INTEGER - 1);
const finite = fc.double({ noNaN: true });
const name = fc.string({ unit: 'grapheme', maxLength: 12 });

const column: fc.Arbitrary<ColumnReport> = fc.record({
  name,
  type: fc.constantFrom('numeric', 'categorical', 'set'),
  count,
  missingCount: count,
  distances: fc.dictionary(fc.constantFrom('ks', 'l_infinity', 'psi'), finite, {
    noNullPrototype: true,
  }),
  threshold: fc.option(finite),
  verdict,
  statistics: fc.array(
    fc.record({
      name,
      statistic: finite,
      effect: finite,
      effectMin: finite,
      criticalValue: fc.option(finite),
      exceeds: fc.boolean(),
    }),
    { maxLength: 3 },
  ),
  decisive: fc.option(name),
  shape: fc.option(fc.constantFrom(...DRIFT_SHAPES)),
  bins: fc.array(
    fc.record({ label: name, referenceShare: finite, share: finite, contribution: finite }),
    { maxLength: 3 },
  ),
  sentence: fc.string(),
});

const version: fc.Arbitrary<VersionReport> = fc.record({
  version: name,
  count,
  comparedWith: name,
  outputs: fc.array(
    fc.record({
      name,
      mean: fc.option(finite),
      standardDeviation: fc.option(finite),
      ks: fc.option(finite),
    }),
    { maxLength: 3 },
  ),
});

const report: fc.Arbitrary<Report> = fc.record({
  id: fc.string(),
  monitor: name,
  sequence: count,
  kind: fc.constantFrom('window', 'end'),
  windowStartMs: count,
  windowEndMs: count,
  windowSlideMs: count,
  baseline: name,
  slice: name,
  revision: fc.nat(1),
  count,
  verdict,
  budget: fc.string(),
  columns: fc.array(column, { maxLength: 5 }),
  versions: fc.array(version, { maxLength: 3 }),
});

describe('reportCodec', () => {
  it('reads what it wrote', () => {
    fc.assert(
      fc.property(report, (written) => {
        expect(reportCodec.decode(reportCodec.encode(written))).toEqual(written);
      }),
    );
  });

  it('refuses whatever is no report, and takes no bytes left over', () => {
    fc.assert(
      fc.property(report, fc.uint8Array({ minLength: 1, maxLength: 20 }), (written, more) => {
        const bytes = Buffer.from(reportCodec.encode(written));
        expect(reportCodec.tryDecode(Buffer.concat([bytes, more]))).toBeNull();
        expect(reportCodec.tryDecode(bytes.subarray(0, bytes.length - 1))).toBeNull();
        expect(reportCodec.tryDecode(more)).toBeNull();
      }),
    );
    expect(() => reportCodec.decode(Buffer.from('{}'))).toThrow(
      expect.objectContaining({ code: 'state.corrupt' }),
    );
  });
});
