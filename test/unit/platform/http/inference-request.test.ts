/** Requests against a model of two inputs: what is read out of them, and what each refusal says. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodedError } from '../../../../services/core/errors.ts';
import { parseInferenceRequest } from '../../../../services/platform/http/inference-request.ts';
import type { ModelDescription } from '../../../../services/platform/model/model-runtime.ts';

const MODEL: ModelDescription = {
  digest: 'd1'.repeat(32),
  inputs: [
    { name: 'amount', type: 'float32', shape: [2] },
    { name: 'country', type: 'string', shape: [] },
  ],
  outputs: [
    { name: 'risk', type: 'float32', shape: [1] },
    { name: 'class', type: 'int64', shape: [] },
  ],
  batchRowsFixed: null,
  costSamples: [],
};

const AMOUNT = { name: 'amount', shape: [2, 2], datatype: 'FP32', data: [1, 2, 3, null] };
const COUNTRY = { name: 'country', shape: [2], datatype: 'BYTES', data: ['at', 'de'] };
const REQUEST = { id: '42', inputs: [AMOUNT, COUNTRY] };

function parse(body: unknown) {
  return parseInferenceRequest(body, MODEL);
}

function refusalOf(body: unknown): string {
  try {
    parse(body);
  } catch (error) {
    expect(error).toBeInstanceOf(CodedError);
    expect((error as CodedError).code).toBe('inference.input');
    return (error as CodedError).message;
  }
  throw new Error('was not refused');
}

describe('an inference request', () => {
  it('is its inputs by name, with the rows they share', () => {
    const { batch, ...rest } = parse(REQUEST);
    expect(rest).toEqual({ id: '42', deadlineMs: null, outputs: ['risk', 'class'] });
    expect(batch.rowCount).toBe(2);
    expect(batch.inputs).toEqual(
      new Map([
        ['amount', { type: 'float32', data: Float32Array.of(1, 2, 3, Number.NaN), width: 2 }],
        ['country', { type: 'string', data: ['at', 'de'], width: 1 }],
      ]),
    );
  });

  it('may give its inputs in any order, and what this server does not know', () => {
    const inputs = [{ ...COUNTRY, parameters: { content_type: 'str' }, extra: [1] }, AMOUNT];
    const body = {
      ...REQUEST,
      inputs,
      parameters: { priority: 3, binary_data_output: false },
      x: 1,
    };
    expect(parse(body).batch).toEqual(parse(REQUEST).batch);
  });

  it('needs no id, and gets the outputs it asks for in that order', () => {
    const { id, outputs } = parse({ inputs: REQUEST.inputs, outputs: [{ name: 'class' }] });
    expect(id).toBeNull();
    expect(outputs).toEqual(['class']);
    const both = [{ name: 'class' }, { name: 'risk' }];
    expect(parse({ ...REQUEST, outputs: both }).outputs).toEqual(['class', 'risk']);
    expect(parse({ ...REQUEST, outputs: [] }).outputs).toEqual(['risk', 'class']);
  });

  it.each([1, 0.5, 60_000])('may carry a deadline of %d ms', (deadlineMs) => {
    const body = { ...REQUEST, parameters: { tg_deadline_ms: deadlineMs } };
    expect(parse(body).deadlineMs).toBe(deadlineMs);
  });

  const inputs = REQUEST.inputs;
  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'the body is missing, expected a JSON object'],
    ['null', null, 'the body is null, expected a JSON object'],
    ['an array', [], 'the body is an array'],
    ['an id that is a number', { ...REQUEST, id: 42 }, '"id" is not a string'],
    ['an endless id', { ...REQUEST, id: 'x'.repeat(513) }, 'at most 512 characters'],
    ['no inputs', {}, '"inputs" is missing, expected an array'],
    ['inputs by name', { inputs: { amount: AMOUNT } }, '"inputs" is an object, expected an array'],
    ['no input at all', { inputs: [] }, 'inputs lack "amount", "country"'],
    ['an input missing', { inputs: [AMOUNT] }, 'inputs lack "country"'],
    [
      'an input that is null',
      { inputs: [AMOUNT, null] },
      'inputs[1] is null, expected a JSON object',
    ],
    ['an input without a name', { inputs: [{}] }, 'inputs[0] has a "name" that is missing'],
    ['an input twice', { inputs: [AMOUNT, AMOUNT, COUNTRY] }, 'input "amount" is given twice'],
    [
      'an input of another model',
      { inputs: [...inputs, { ...AMOUNT, name: 'age' }] },
      'the model has no input "age", expected "amount", "country"',
    ],
    [
      'inputs of different length',
      { inputs: [AMOUNT, { ...COUNTRY, shape: [1], data: ['at'] }] },
      'input "country" has 1 rows, the inputs before it have 2',
    ],
    [
      'text in a float input',
      { inputs: [{ ...AMOUNT, data: [1, 2, 'three', 4] }, COUNTRY] },
      'input "amount" element 2 (row 1) is a string',
    ],
    ['an output that is text', { inputs, outputs: ['risk'] }, 'outputs[0] is a string'],
    [
      'an unknown output',
      { inputs, outputs: [{ name: 'score' }] },
      'the model has no output "score", expected "risk", "class"',
    ],
    [
      'an output twice',
      { inputs, outputs: [{ name: 'risk' }, { name: 'risk' }] },
      'output "risk" is asked for twice',
    ],
    [
      'parameters that are text',
      { inputs, parameters: 'fast' },
      '"parameters" of the request is a',
    ],
    [
      'binary input',
      { inputs: [{ ...AMOUNT, parameters: { binary_data_size: 16 } }, COUNTRY] },
      'input "amount" asks for binary tensor data (binary_data_size), which is not offered',
    ],
    [
      'binary output',
      { inputs, outputs: [{ name: 'risk', parameters: { binary_data: true } }] },
      'output "risk" asks for binary tensor data',
    ],
    [
      'binary outputs',
      { inputs, parameters: { binary_data_output: true } },
      'the request asks for binary tensor data',
    ],
    ...[0, -1, 60_001, '50', null, true, Number.NaN].map((deadline): [string, unknown, string] => [
      `a deadline of ${JSON.stringify(deadline)}`,
      { inputs, parameters: { tg_deadline_ms: deadline } },
      'parameter tg_deadline_ms is ',
    ]),
  ])('is refused with %s', (_what, body, message) => {
    expect(refusalOf(body)).toContain(message);
  });

  it('reads own members only', () => {
    const inherited = Object.create({ inputs: REQUEST.inputs }) as object;
    expect(refusalOf(inherited)).toContain('"inputs" is missing');
    expect(refusalOf({ inputs: [{ ...AMOUNT, name: '__proto__' }] })).toContain('"__proto__"');
    expect(refusalOf({ inputs, outputs: [{ name: 'constructor' }] })).toContain('"constructor"');
  });

  it('is parsed or refused with a code, whatever was sent', () => {
    const near = fc
      .record(
        {
          id: fc.anything(),
          parameters: fc.oneof(fc.anything(), fc.object()),
          inputs: fc.array(
            fc.record(
              {
                name: fc.constantFrom('amount', 'country', 'age', 1, null),
                shape: fc.oneof(
                  fc.constantFrom([2, 2], [2]),
                  fc.array(fc.integer()),
                  fc.anything(),
                ),
                datatype: fc.constantFrom('FP32', 'BYTES', 'BOOL', null),
                data: fc.oneof(fc.constantFrom([1, 2, 3, 4], ['a', 'b']), fc.array(fc.anything())),
                parameters: fc.anything(),
              },
              { requiredKeys: [] },
            ),
          ),
          outputs: fc.anything(),
        },
        { requiredKeys: [] },
      )
      .map((body) => body as unknown);
    fc.assert(
      fc.property(fc.oneof(near, fc.jsonValue(), fc.anything()), (body) => {
        try {
          parse(body);
        } catch (error) {
          expect(error).toBeInstanceOf(CodedError);
          expect((error as CodedError).message.length).toBeLessThan(2_000);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
