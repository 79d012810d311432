/**
 * The inference server against a foreign client: plain HTTP and JSON, written from the published Open
 * Inference Protocol (REST) and sharing no code with the server. The model behind it is arithmetic
 * with an input and an output of every type, so that every right answer is known.
 */
import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CodedError } from '../../services/core/errors.ts';
import type { BackendRequest } from '../../services/platform/http/inference-backend.ts';
import { createInferenceServer } from '../../services/platform/http/inference-server.ts';
import type { ListeningComponent } from '../../services/platform/http/listening-component.ts';
import type {
  ModelDescription,
  ModelOutputs,
  TensorData,
  TensorDescription,
  TensorType,
} from '../../services/platform/model/model-runtime.ts';
import { createMemoryTelemetry } from '../../services/platform/telemetry/memory-telemetry.ts';

const BODY_BYTES_MAX = 300_000;
const TOKEN = 'harbour-7';

function tensors(...shapes: [string, TensorType, number[]][]): readonly TensorDescription[] {
  return shapes.map(([name, type, shape]) => ({ name, type, shape }));
}

const ARITHMETIC: ModelDescription = {
  digest: 'ab'.repeat(32),
  inputs: tensors(
    ['open', 'bool', [1]],
    ['counts', 'int32', [2]],
    ['total', 'int64', [1]],
    ['levels', 'float32', [2, 2]],
    ['ratio', 'float64', [1]],
    ['port', 'string', [1]],
  ),
  outputs: tensors(
    ['closed', 'bool', [1]],
    ['sum', 'int32', [1]],
    ['tripled', 'int64', [1]],
    ['halves', 'float32', [2, 2]],
    ['third', 'float64', [1]],
    ['shouted', 'string', [1]],
  ),
  batchRowsFixed: null,
  costSamples: [],
};

/** Fails in the way its `port` says. */
const FAILURES = {
  overloaded: () => new CodedError('inference.overload', 'the queue is full'),
  late: () => new CodedError('inference.deadline', 'the deadline passed in the queue'),
  broken: () => new CodedError('inference.run', 'node Gemm_3 in /srv/models/7/model.onnx'),
} as const;

async function arithmetic({ batch }: BackendRequest) {
  const rows = <Data extends TensorData>(name: string) => batch.inputs.get(name)!.data as Data;
  const port = rows<readonly string[]>('port');
  for (const [name, failure] of Object.entries(FAILURES)) if (port.includes(name)) throw failure();
  const counts = rows<Int32Array>('counts');
  const outputs: ModelOutputs = new Map([
    ['closed', { type: 'bool', width: 1, data: rows<Uint8Array>('open').map((x) => 1 - x) }],
    [
      'sum',
      {
        ...{ type: 'int32', width: 1 },
        data: Int32Array.from(port, (_, row) => counts[2 * row]! + counts[2 * row + 1]!),
      },
    ],
    ['tripled', { type: 'int64', width: 1, data: rows<BigInt64Array>('total').map((x) => 3n * x) }],
    ['halves', { type: 'float32', width: 4, data: rows<Float32Array>('levels').map((x) => x / 2) }],
    ['third', { type: 'float64', width: 1, data: rows<Float64Array>('ratio').map((x) => x / 3) }],
    ['shouted', { type: 'string', width: 1, data: port.map((text) => `${text}!`) }],
  ]);
  return { version: '7', outputs };
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly body: Record<string, unknown>;
}

/** The client: what the protocol's document says, and nothing of ours. */
class ForeignClient {
  readonly #address: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 4 });

  constructor(address: string) {
    this.#address = address;
  }

  close(): void {
    this.#agent.destroy();
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.send('GET', path, null, headers);
  }

  infer(body: unknown, path = '/v2/models/arithmetic/infer'): Promise<Answer> {
    return this.send('POST', path, JSON.stringify(body));
  }

  send(
    method: string,
    path: string,
    body: string | Uint8Array | null,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const request = httpRequest(`${this.#address}${path}`, {
        ...{ method, agent: this.#agent },
        headers: {
          Authorization: `Bearer ${TOKEN}`,
          ...(body === null ? {} : { 'Content-Type': 'application/json' }),
          ...headers,
        },
      });
      request.on('error', reject);
      request.on('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('error', reject);
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          const isJson = response.headers['content-type']?.startsWith('application/json') === true;
          resolve({
            status: response.statusCode!,
            headers: response.headers,
            text,
            body: isJson && text !== '' ? JSON.parse(text) : {},
          });
        });
      });
      request.end(body);
    });
  }
}

interface ResponseOutput {
  readonly name: string;
  readonly shape: readonly number[];
  readonly datatype: string;
  readonly data: readonly unknown[];
}

/** As `$inference_response` demands; the outputs by name. */
function outputsOf({ status, body }: Answer): Readonly<Record<string, ResponseOutput>> {
  expect(status, JSON.stringify(body)).toBe(200);
  expect(body).toMatchObject({ model_name: 'arithmetic', model_version: '7' });
  const outputs = body.outputs as readonly ResponseOutput[];
  for (const { data, shape } of outputs) {
    expect(data).toHaveLength(shape.reduce((product, length) => product * length, 1));
  }
  return Object.fromEntries(outputs.map((output) => [output.name, output]));
}

/** As `$inference_error_response` demands. */
function errorOf({ body, headers }: Answer): string {
  expect(headers['content-type']).toMatch(/^application\/json/);
  expect(Object.keys(body)).toEqual(['error']);
  return body.error as string;
}

const INPUTS = [
  { name: 'open', shape: [2, 1], datatype: 'BOOL', data: [true, false] },
  { name: 'counts', shape: [2, 2], datatype: 'INT32', data: [1, -2, 2_000_000_000, 3] },
  { name: 'total', shape: [2, 1], datatype: 'INT64', data: [9_007_199_254_740_991, -4] },
  { name: 'levels', shape: [2, 2, 2], datatype: 'FP32', data: [1, 2, 3, 4, 0.1, -6, 7, 1e-3] },
  { name: 'ratio', shape: [2, 1], datatype: 'FP64', data: [1, 0.3] },
  { name: 'port', shape: [2, 1], datatype: 'BYTES', data: ['Zürich\n', '𝕏'] },
];

/** The inputs with one of them changed. */
function withInput(name: string, change: object): object {
  return {
    inputs: INPUTS.map((input) => (input.name === name ? { ...input, ...change } : input)),
  };
}

describe('a foreign client of the Open Inference Protocol', () => {
  let server: ListeningComponent;
  let client: ForeignClient;

  beforeAll(async () => {
    server = createInferenceServer({
      ...{ host: '127.0.0.1', port: 0, token: TOKEN, version: '0.1.0' },
      bodyBytesMax: BODY_BYTES_MAX,
      logger: createMemoryTelemetry().logger('inference-worker'),
      backend: {
        name: 'arithmetic',
        ready: () => true,
        versions: () => [
          { version: '7', description: ARITHMETIC, variant: 'primary', ready: true },
          { version: '8', description: ARITHMETIC, variant: 'shadow', ready: false },
        ],
        infer: arithmetic,
      },
    });
    await server.start();
    client = new ForeignClient(server.address);
  });
  afterAll(async () => {
    client.close();
    await server.stop(1_000);
  });

  it('finds a live and ready server, and the model', async () => {
    for (const path of ['/v2/health/live', '/v2/health/ready', '/v2/models/arithmetic/ready']) {
      expect((await client.get(path)).status).toBe(200);
    }
    expect((await client.get('/v2')).body).toEqual({
      ...{ name: 'tidegauge', version: '0.1.0', extensions: [] },
    });
    expect((await client.get('/v2/models/arithmetic/versions/7/ready')).body).toEqual({
      ...{ name: 'arithmetic', ready: true },
    });
    expect((await client.get('/v2/models/arithmetic/versions/8/ready')).status).toBe(400);
  });

  it.each(['/v2/models/arithmetic', '/v2/models/arithmetic/versions/7'])(
    'reads at %s what the model takes and gives',
    async (path) => {
      expect((await client.get(path)).body).toEqual({
        name: 'arithmetic',
        versions: ['7', '8'],
        platform: 'onnx_onnxv1',
        inputs: [
          { name: 'open', datatype: 'BOOL', shape: [-1, 1] },
          { name: 'counts', datatype: 'INT32', shape: [-1, 2] },
          { name: 'total', datatype: 'INT64', shape: [-1, 1] },
          { name: 'levels', datatype: 'FP32', shape: [-1, 2, 2] },
          { name: 'ratio', datatype: 'FP64', shape: [-1, 1] },
          { name: 'port', datatype: 'BYTES', shape: [-1, 1] },
        ],
        outputs: [
          { name: 'closed', datatype: 'BOOL', shape: [-1, 1] },
          { name: 'sum', datatype: 'INT32', shape: [-1, 1] },
          { name: 'tripled', datatype: 'INT64', shape: [-1, 1] },
          { name: 'halves', datatype: 'FP32', shape: [-1, 2, 2] },
          { name: 'third', datatype: 'FP64', shape: [-1, 1] },
          { name: 'shouted', datatype: 'BYTES', shape: [-1, 1] },
        ],
      });
    },
  );

  const nested = [
    { data: [[true], [false]] },
    {
      data: [
        [1, -2],
        [2_000_000_000, 3],
      ],
    },
    { data: [[9_007_199_254_740_991], [-4]] },
    {
      data: [
        [
          [1, 2],
          [3, 4],
        ],
        [
          [0.1, -6],
          [7, 1e-3],
        ],
      ],
    },
    { data: [[1], [0.3]] },
    { data: [['Zürich\n'], ['𝕏']] },
  ];
  it.each([
    ['flat', '/v2/models/arithmetic/infer', INPUTS],
    [
      'nested',
      '/v2/models/arithmetic/versions/7/infer',
      INPUTS.map((input, index) => ({ ...input, ...nested[index] })),
    ],
  ])('gets right answers of every type for %s data', async (_what, path, inputs) => {
    const answer = await client.infer({ id: 'quay 4', inputs }, path);
    const outputs = outputsOf(answer);
    expect(answer.body.id).toBe('quay 4');
    const float32 = (value: number) => Math.fround(value);
    expect(outputs).toMatchObject({
      closed: { datatype: 'BOOL', shape: [2, 1], data: [false, true] },
      sum: { datatype: 'INT32', shape: [2, 1], data: [-1, 2_000_000_003] },
      tripled: { datatype: 'INT64', shape: [2, 1] },
      halves: {
        ...{ datatype: 'FP32', shape: [2, 2, 2] },
        data: [0.5, 1, 1.5, 2, float32(0.1) / 2, -3, 3.5, float32(1e-3) / 2],
      },
      third: { datatype: 'FP64', shape: [2, 1], data: [1 / 3, 0.3 / 3] },
      shouted: { datatype: 'BYTES', shape: [2, 1], data: ['Zürich\n!', '𝕏!'] },
    });
    // Beyond 2^53-1 all digits are there, for a client that can read them.
    expect(answer.text).toContain('[27021597764222973,-12]');
  });

  it('gets only the outputs it asks for, and a missing value through', async () => {
    const asked = [{ name: 'third', parameters: { note: 'x' } }, { name: 'sum' }];
    const answer = await client.infer({ inputs: INPUTS, outputs: asked });
    expect(Object.keys(outputsOf(answer))).toEqual(['third', 'sum']);
    expect(answer.body).not.toHaveProperty('id');
    const partly = { ...withInput('ratio', { data: [null, 6] }), outputs: [{ name: 'sum' }] };
    expect(outputsOf(await client.infer(partly)).sum!.data).toEqual([-1, 2_000_000_003]);
  });

  it.each<[string, object, string]>([
    ['no inputs', { id: '1' }, '"inputs" is missing'],
    ['an input missing', { inputs: INPUTS.slice(1) }, 'inputs lack "open"'],
    ['an unknown input', { inputs: [{ ...INPUTS[0], name: 'shut' }] }, 'has no input "shut"'],
    ['an input twice', { inputs: [...INPUTS, INPUTS[0]] }, 'input "open" is given twice'],
    ['a datatype of another input', withInput('counts', { datatype: 'INT64' }), 'expected "INT32"'],
    ['a datatype not offered', withInput('counts', { datatype: 'UINT8' }), 'datatype "UINT8"'],
    ['too little data', withInput('counts', { data: [1, 2, 3] }), 'has 3 elements'],
    ['ragged data', withInput('counts', { data: [[1, 2], [3]] }), 'dimension 1 has 1 elements'],
    ['a shape of another rank', withInput('counts', { shape: [4] }), 'expected [rows, 2]'],
    ['no rows', withInput('port', { shape: [0, 1], data: [] }), 'every length above 0'],
    ['other rows', withInput('port', { shape: [1, 1], data: ['a'] }), 'has 1 rows'],
    ['text for a number', withInput('ratio', { data: [1, '2'] }), 'element 1 (row 1) is a string'],
    ['a number for text', withInput('port', { data: ['a', 2] }), 'element 1 (row 1) is 2'],
    ['a number for truth', withInput('open', { data: [1, 0] }), 'element 0 (row 0) is 1'],
    ['a fraction of a count', withInput('counts', { data: [1, 2, 3.5, 4] }), 'is 3.5'],
    ['a count that wraps', withInput('counts', { data: [2 ** 31, 1, 1, 1] }), 'is 2147483648'],
    ['a total beyond 2^53', withInput('total', { data: [1, 2 ** 53] }), 'is 9007199254740992'],
    ['a level beyond FP32', withInput('levels', { data: new Array(8).fill(1e39) }), 'is 1e+39'],
    ['a missing count', withInput('counts', { data: [1, null, 1, 1] }), 'is null'],
    ['an unknown output', { inputs: INPUTS, outputs: [{ name: 'sums' }] }, 'no output "sums"'],
    [
      'a batch above the limit',
      withInput('port', { shape: [2_000, 1], data: new Array(2_000).fill('a') }),
      'at most 1024',
    ],
    ['a deadline of none', { inputs: INPUTS, parameters: { tg_deadline_ms: 0 } }, 'tg_deadline_ms'],
  ])('is told of %s', async (_what, body, message) => {
    const answer = await client.infer(body);
    expect(answer.status).toBe(400);
    expect(errorOf(answer)).toContain(message);
  });

  const path = '/v2/models/arithmetic/infer';
  const right = JSON.stringify({ inputs: INPUTS });
  it.each<[string, number, () => Promise<Answer>]>([
    ['JSON that ends early', 400, () => client.send('POST', path, right.slice(0, -1))],
    ['no body', 400, () => client.send('POST', path, '')],
    ['a poisoned prototype', 400, () => client.send('POST', path, '{"__proto__":{"inputs":[]}}')],
    ['a wrong token', 401, () => client.get('/v2', { Authorization: 'Bearer harbour-8' })],
    ['another model', 404, () => client.send('POST', '/v2/models/geometry/infer', right)],
    ['another version', 404, () => client.get('/v2/models/arithmetic/versions/9')],
    ['no such path', 404, () => client.get('/v1/models/arithmetic')],
    ['another method', 405, () => client.get(path)],
    ['a body too large', 413, () => client.send('POST', path, right.padEnd(BODY_BYTES_MAX + 1))],
    [
      'another type',
      415,
      () => client.send('POST', path, right, { 'Content-Type': 'application/x-protobuf' }),
    ],
    [
      'binary tensor data',
      415,
      () => client.send('POST', path, right, { 'Inference-Header-Content-Length': '100' }),
    ],
    [
      'a version that is not ready',
      503,
      () => client.send('POST', '/v2/models/arithmetic/versions/8/infer', right),
    ],
    ['a full queue', 503, () => client.infer(withInput('port', { data: ['a', 'overloaded'] }))],
    ['a deadline', 504, () => client.infer(withInput('port', { data: ['a', 'late'] }))],
    ['a failing model', 500, () => client.infer(withInput('port', { data: ['a', 'broken'] }))],
    [
      'an output that is not finite',
      500,
      () => client.infer(withInput('ratio', { data: [1, null] })),
    ],
  ])('is told of %s with %i', async (_what, status, send) => {
    const answer = await send();
    expect(answer.status).toBe(status);
    const error = errorOf(answer);
    expect(error.length).toBeGreaterThan(5);
    expect(error).not.toMatch(/\/srv|Gemm|node_modules|at .*\.[jt]s/);
    if (status === 401) expect(answer.headers['www-authenticate']).toContain('Bearer');
    if (status === 405) expect(answer.headers.allow).toBe('POST');
    if (status === 503) expect(answer.headers['retry-after']).toBe('1');
  });

  it('is told which output and row is not finite', async () => {
    const answer = await client.infer(withInput('ratio', { data: [1, null] }));
    expect(errorOf(answer)).toBe(
      'output "third", row 1, element 0 is NaN, which JSON cannot carry',
    );
  });

  it('never breaks the server, whatever it sends', async () => {
    const bytes = Buffer.from(right);
    const mutated = fc
      .array(
        fc.tuple(fc.nat(bytes.length - 1), fc.constantFrom(...Buffer.from('"[]{},:01e-n\\\xff'))),
        {
          ...{ minLength: 1, maxLength: 6 },
        },
      )
      .map((changes) => {
        const copy = Buffer.from(bytes);
        for (const [at, byte] of changes) copy[at] = byte;
        return copy;
      });
    const bodies = fc.oneof(
      mutated,
      fc.nat(bytes.length).map((length) => bytes.subarray(0, length)),
      fc.jsonValue().map((value) => Buffer.from(JSON.stringify(value))),
      fc
        .tuple(fc.constantFrom(...INPUTS.map(({ name }) => name)), fc.jsonValue(), fc.jsonValue())
        .map(([name, data, shape]) =>
          Buffer.from(JSON.stringify(withInput(name, { data, shape }))),
        ),
      fc.uint8Array({ maxLength: 200 }),
    );
    await fc.assert(
      fc.asyncProperty(bodies, async (body) => {
        const answer = await client.send('POST', path, body);
        if (answer.status === 200) return void outputsOf(answer);
        // A missing ratio is a right request whose answer JSON cannot carry.
        const isMissing = errorOf(answer).endsWith('which JSON cannot carry');
        expect(answer.status).toBe(isMissing ? 500 : 400);
      }),
      { numRuns: 1_500 },
    );
    expect(outputsOf(await client.infer({ inputs: INPUTS })).sum!.data[0]).toBe(-1);
  });
});
