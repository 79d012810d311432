/** What ZipMap stripping changes, and that it leaves the rest of a file byte for byte. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readFields, WireFormatError } from '../../../../services/platform/model/protobuf-wire.ts';
import { stripZipMap } from '../../../../services/platform/model/strip-zip-map.ts';
import { encodeOnnxModel, type OnnxModel, type OnnxNode } from '../../../support/onnx-file.ts';

const EXAMPLE = new URL('../../../../deploy/examples/credit-default/model.onnx', import.meta.url);
const GRAPH_FIELD = 7;

const zipMap: OnnxNode = {
  operator: 'ZipMap',
  inputs: ['p'],
  outputs: ['maps'],
  domain: 'ai.onnx.ml',
  attributes: { classlabels_int64s: [0, 1] },
};
const identity: OnnxNode = { operator: 'Identity', inputs: ['p'], outputs: ['maps'] };

function classifier(last: OnnxNode, isStripped: boolean): OnnxModel {
  return {
    nodes: [
      { operator: 'Normalizer', inputs: ['x'], outputs: ['p'], domain: 'ai.onnx.ml' },
      last,
      { operator: 'Identity', inputs: ['x'], outputs: ['copy'] },
    ],
    inputs: [{ name: 'x', element: 'float32', shape: ['rows', 2] }],
    outputs: [
      isStripped
        ? { name: 'maps', element: 'float32', shape: null }
        : { name: 'maps', element: 'maps' },
      { name: 'copy', element: 'float32', shape: ['rows', 2] },
    ],
  };
}

describe('stripZipMap', () => {
  it('gives the model somebody would have written with Identity and a float output', () => {
    const stripped = stripZipMap(encodeOnnxModel(classifier(zipMap, false)));
    // Only the order of a node's fields differs between the two encoders.
    const expected = encodeOnnxModel(classifier(identity, true));
    expect([...stripped]).toEqual([...expected]);
  });

  it('returns the same bytes where there is no ZipMap of ai.onnx.ml', () => {
    const { domain: _, ...foreign } = zipMap;
    for (const last of [identity, foreign]) {
      const model = encodeOnnxModel(classifier(last, true));
      expect(stripZipMap(model)).toBe(model);
    }
  });

  it('imports the default operator set only where it is missing', () => {
    const alone: OnnxModel = {
      ...classifier(zipMap, false),
      domains: ['ai.onnx.ml'],
    };
    const count = (bytes: Uint8Array) =>
      [...readFields(bytes)].filter((f) => f.number === 8).length;
    expect(count(stripZipMap(encodeOnnxModel(alone)))).toBe(2);
    expect(count(stripZipMap(encodeOnnxModel({ ...alone, domains: ['', 'ai.onnx.ml'] })))).toBe(2);
  });

  it("touches nothing but the graph of scikit-learn's own export, and is idempotent", () => {
    const model = readFileSync(EXAMPLE);
    const stripped = stripZipMap(model);
    const outside = (bytes: Uint8Array) =>
      [...readFields(bytes)].filter((f) => f.number !== GRAPH_FIELD).map((f) => [...f.encoded]);
    expect(outside(stripped)).toEqual(outside(model));
    expect(Buffer.from(stripped).includes('ZipMap')).toBe(false);
    expect(stripZipMap(stripped)).toBe(stripped);
  });

  it('survives any damage to a model: other bytes, or WireFormatError', () => {
    const model = encodeOnnxModel(classifier(zipMap, false));
    const damage = fc.record({
      at: fc.nat({ max: model.length - 1 }),
      byte: fc.integer({ min: 0, max: 255 }),
      length: fc.nat({ max: model.length }),
    });
    fc.assert(
      fc.property(damage, ({ at, byte, length }) => {
        const bytes = Uint8Array.from(model).slice(0, length);
        if (at < length) bytes[at] = byte;
        try {
          expect(stripZipMap(bytes)).toBeInstanceOf(Uint8Array);
        } catch (error) {
          if (!(error instanceof WireFormatError)) throw error;
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
