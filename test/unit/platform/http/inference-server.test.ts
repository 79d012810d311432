/** The inference server over real sockets, with a backend that does what each test says. */
import { EventEmitter, once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { CodedError, type ErrorCode } from '../../../../services/core/errors.ts';
import type {
  BackendAnswer,
  BackendRequest,
  InferenceBackend,
  ServedVersion,
} from '../../../../services/platform/http/inference-backend.ts';
import {
  createInferenceServer,
  type InferenceServerOptions,
} from '../../../../services/platform/http/inference-server.ts';
import type { ListeningComponent } from '../../../../services/platform/http/listening-component.ts';
import type { ModelDescription } from '../../../../services/platform/model/model-runtime.ts';
import { createMemoryTelemetry } from '../../../../services/platform/telemetry/memory-telemetry.ts';

const DESCRIPTION: ModelDescription = {
  digest: 'd1'.repeat(32),
  inputs: [{ name: 'level', type: 'float32', shape: [1] }],
  outputs: [{ name: 'risk', type: 'float32', shape: [1] }],
  batchRowsFixed: null,
  costSamples: [],
};
const PRIMARY: ServedVersion = {
  ...{ version: '7', variant: 'primary', ready: true },
  description: DESCRIPTION,
};
const BODY_BYTES_MAX = 10_000;
const INFER = '/v2/models/tide/infer';

function half({ batch, version }: BackendRequest): BackendAnswer {
  const { data } = batch.inputs.get('level')!;
  const risk = {
    type: 'float32',
    width: 1,
    data: (data as Float32Array).map((x) => x / 2),
  } as const;
  return { version: version ?? '7', outputs: new Map([['risk', risk]]) };
}

function requestBody(level: number, more: object = {}): string {
  const input = { name: 'level', shape: [1, 1], datatype: 'FP32', data: [level] };
  return JSON.stringify({ inputs: [input], ...more });
}

/** The bytes of a request with a body, as a plain client writes them. */
function rawPost(body: string, length = Buffer.byteLength(body)): string {
  const head = `POST ${INFER} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n`;
  return `${head}Content-Length: ${length}\r\n\r\n${body}`;
}

async function errorOf(response: Response): Promise<unknown> {
  return ((await response.json()) as { error: unknown }).error;
}

/** Settles by hand, so that a test decides when and in which order the backend answers. */
class HeldBackend {
  readonly held: (BackendRequest & { answer(): void })[] = [];
  #arrived: () => void = () => {};

  readonly infer = (request: BackendRequest): Promise<BackendAnswer> =>
    new Promise((resolve) => {
      this.held.push({ ...request, answer: () => resolve(half(request)) });
      this.#arrived();
    });

  async arrivals(count: number): Promise<void> {
    while (this.held.length < count) {
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
    }
  }
}

describe('inference server', () => {
  const servers: ListeningComponent[] = [];
  const sockets: Socket[] = [];
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await Promise.all(servers.splice(0).map((server) => server.stop(0)));
  });

  function create(
    backend: Partial<InferenceBackend> = {},
    options: Partial<InferenceServerOptions> = {},
  ) {
    const telemetry = createMemoryTelemetry();
    const server = createInferenceServer({
      ...{ port: 0, token: null, bodyBytesMax: BODY_BYTES_MAX, version: '1.2.3' },
      backend: {
        name: 'tide',
        ready: () => true,
        versions: () => [PRIMARY],
        infer: async (request) => half(request),
        ...backend,
      },
      logger: telemetry.logger('inference-worker'),
      ...options,
    });
    servers.push(server);
    return { server, telemetry };
  }

  async function start(
    backend: Partial<InferenceBackend> = {},
    options: Partial<InferenceServerOptions> = {},
  ) {
    const { server, telemetry } = create(backend, options);
    await server.start();
    const post = (body: string, path = INFER) =>
      fetch(`${server.address}${path}`, {
        ...{ method: 'POST', body },
        headers: { 'Content-Type': 'application/json' },
      });
    return { server, telemetry, post };
  }

  async function open(server: ListeningComponent) {
    const { hostname, port } = new URL(server.address);
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    sockets.push(socket);
    let received = '';
    socket.on('data', (bytes) => {
      received += bytes.toString();
    });
    const closed = new Promise<string>((resolve) => {
      socket.on('error', () => {});
      socket.on('close', () => resolve(received));
      // A client that is done when the server is.
      socket.on('end', () => socket.end());
    });
    await once(socket, 'connect');
    return { socket, closed, received: () => received };
  }

  describe('listens', () => {
    it.each(['127.0.0.1', '127.0.0.2', 'localhost'])('on %s without a token', async (host) => {
      const { server } = await start({}, { host });
      expect(server.health()).toEqual({ status: 'ready', reason: '' });
      expect((await fetch(`${server.address}/v2/health/live`)).status).toBe(200);
    });

    it.each(['0.0.0.0', '', '::'])('not on "%s" without a token', async (host) => {
      const { server } = create({}, { host });
      await expect(server.start()).rejects.toMatchObject({
        code: 'configuration.invalid',
        message: expect.stringContaining('a token is required'),
      });
      expect(server.address).toBe('');
    });

    it('beyond the loopback address with a token', async () => {
      const { server } = await start({}, { host: '0.0.0.0', token: 'secret' });
      const { port } = new URL(server.address);
      expect((await fetch(`http://127.0.0.1:${port}/v2`)).status).toBe(401);
    });

    it.each(['', 'two words', 'ümlaut'])('not with the token "%s"', async (token) => {
      const { server } = create({}, { token });
      await expect(server.start()).rejects.toMatchObject({ code: 'configuration.invalid' });
    });

    it('not on a port that is taken, and says which', async () => {
      const { server } = await start();
      const port = Number(new URL(server.address).port);
      await expect(start({}, { port })).rejects.toMatchObject({
        code: 'configuration.invalid',
        message: expect.stringContaining(`127.0.0.1:${port}`),
      });
    });
  });

  describe('with a token', () => {
    it.each([
      ['GET', '/v2'],
      ['GET', '/v2/health/live'],
      ['GET', '/v2/health/ready'],
      ['GET', '/v2/models/tide'],
      ['GET', '/v2/models/tide/ready'],
      ['GET', '/v2/models/tide/versions/7'],
      ['GET', '/v2/models/other'],
      ['POST', INFER],
      ['POST', '/v2/models/tide/versions/7/infer'],
      ['DELETE', INFER],
      ['GET', '/elsewhere'],
    ])('says nothing to %s %s without it', async (method, path) => {
      const asked: BackendRequest[] = [];
      const infer = async (request: BackendRequest) => {
        asked.push(request);
        return half(request);
      };
      const { server } = await start({ infer }, { token: 'secret' });
      for (const Authorization of [undefined, 'Bearer wrong', 'Basic c2VjcmV0']) {
        const response = await fetch(`${server.address}${path}`, {
          method,
          headers: {
            'Content-Type': 'application/json',
            ...(Authorization === undefined ? {} : { Authorization }),
          },
          ...(method === 'POST' ? { body: requestBody(1) } : {}),
        });
        expect(response.status).toBe(401);
        expect(response.headers.get('www-authenticate')).toMatch(/^Bearer realm="tidegauge"/);
        expect(await response.text()).not.toContain('tide"');
      }
      expect(asked).toEqual([]);
    });

    it('answers who has it', async () => {
      const { server } = await start({}, { token: 'secret' });
      const response = await fetch(`${server.address}${INFER}`, {
        ...{ method: 'POST', body: requestBody(3) },
        headers: { 'Content-Type': 'application/json', Authorization: 'Bearer secret' },
      });
      expect(await response.json()).toMatchObject({ outputs: [{ data: [1.5] }] });
    });
  });

  describe('passes on', () => {
    it('version, id and deadline, and makes an id where there is none', async () => {
      const asked: BackendRequest[] = [];
      const infer = async (request: BackendRequest) => {
        asked.push(request);
        return half(request);
      };
      const { post } = await start({ infer });
      await post(requestBody(1, { id: 'a', parameters: { tg_deadline_ms: 900 } }));
      await post(requestBody(1), '/v2/models/tide/versions/7/infer');
      await post(requestBody(1));
      expect(asked).toMatchObject([
        { version: null, id: 'a', deadlineMs: 900 },
        { version: '7', deadlineMs: null },
        { version: null, deadlineMs: null },
      ]);
      expect(asked[1]!.id).toMatch(/^[0-9a-f-]{36}$/);
      expect(asked[2]!.id).not.toBe(asked[1]!.id);
    });

    it('that nobody waits any more: the deadline passed', async () => {
      const backend = new HeldBackend();
      const { post } = await start({ infer: backend.infer });
      const response = await post(requestBody(1, { parameters: { tg_deadline_ms: 5 } }));
      expect(response.status).toBe(504);
      expect(await response.json()).toEqual({ error: 'there was no answer within 5 ms' });
      expect(backend.held[0]!.signal.aborted).toBe(true);
    });

    it('that nobody waits any more: the caller has gone', async () => {
      const backend = new HeldBackend();
      const { server } = await start({ infer: backend.infer });
      const { socket } = await open(server);
      socket.write(rawPost(requestBody(1)));
      await backend.arrivals(1);
      const { signal } = backend.held[0]!;
      expect(signal.aborted).toBe(false);
      const aborted = once(signal, 'abort');
      socket.destroy();
      await aborted;
    });
  });

  it.each<[ErrorCode, number, string, boolean]>([
    ['inference.input', 400, 'why', false],
    ['inference.run', 500, 'the model failed on this request', false],
    ['inference.output', 500, 'why', false],
    ['inference.deadline', 504, 'why', false],
    ['inference.circuit', 503, 'why', true],
    ['inference.overload', 503, 'why', true],
    ['inference.worker', 503, 'the thread that ran the model ended', true],
    ['configuration.model', 500, 'internal error', false],
  ])('answers %s with %i', async (code, status, message, retried) => {
    const { post } = await start({ infer: () => Promise.reject(new CodedError(code, 'why')) });
    const response = await post(requestBody(1));
    expect(response.status).toBe(status);
    expect(response.headers.get('retry-after')).toBe(retried ? '1' : null);
    expect(await errorOf(response)).toContain(message);
  });

  it('keeps to itself what nobody foresaw, and logs it', async () => {
    const infer = () => {
      throw new TypeError('secret path /models/x');
    };
    const { post, telemetry } = await start({ infer });
    const response = await post(requestBody(1));
    expect(response.status).toBe(500);
    expect(await response.json()).toEqual({ error: 'internal error' });
    expect(telemetry.logs.filter(({ level }) => level === 'warn')).toHaveLength(1);
    expect((await post(requestBody(1))).status).toBe(500);
  });

  describe('of its versions', () => {
    const loading: ServedVersion = { ...PRIMARY, version: '8', variant: 'canary', ready: false };

    it('tells which are there and which are ready', async () => {
      let served: readonly ServedVersion[] = [];
      const { server, post } = await start({
        versions: () => served,
        ready: () => served.length > 0,
      });
      const get = async (path: string) => {
        const response = await fetch(`${server.address}/v2${path}`);
        return [response.status, await response.json()] as const;
      };
      expect(await get('/health/live')).toEqual([200, { live: true }]);
      expect(await get('/health/ready')).toEqual([400, { live: false, ready: false }]);
      expect(await get('/models/tide/ready')).toEqual([400, { name: 'tide', ready: false }]);
      expect((await get('/models/tide'))[0]).toBe(503);
      expect((await post(requestBody(1))).status).toBe(503);

      served = [PRIMARY, loading];
      expect(await get('/health/ready')).toEqual([200, { live: true, ready: true }]);
      expect(await get('/models/tide/ready')).toEqual([200, { name: 'tide', ready: true }]);
      expect(await get('/models/tide/versions/7/ready')).toMatchObject([200, { ready: true }]);
      expect(await get('/models/tide/versions/8/ready')).toMatchObject([400, { ready: false }]);
      expect((await get('/models/tide/versions/9/ready'))[0]).toBe(404);
      expect((await get('/models/other/ready'))[0]).toBe(404);
      expect((await get('/models/tide/versions/8'))[0]).toBe(200);
      expect(await get('/models/tide')).toMatchObject([200, { versions: ['7', '8'] }]);

      const early = await post(requestBody(1), '/v2/models/tide/versions/8/infer');
      expect([early.status, early.headers.get('retry-after')]).toEqual([503, '1']);
      const unknown = await post(requestBody(1), '/v2/models/tide/versions/9/infer');
      expect(unknown.status).toBe(404);
      expect(await errorOf(unknown)).toContain('expected "7", "8"');
    });

    it('tells the one that answered', async () => {
      const answer = (request: BackendRequest) => ({ ...half(request), version: '9' });
      const { post } = await start({ infer: async (request) => answer(request) });
      expect(await (await post(requestBody(4))).json()).toMatchObject({
        model_version: '9',
        outputs: [{ shape: [1, 1], data: [2] }],
      });
    });
  });

  describe('has limits', () => {
    it('to a body, declared or not, and goes on', async () => {
      const { server, post } = await start();
      const exact = requestBody(1).padEnd(BODY_BYTES_MAX);
      expect((await post(exact)).status).toBe(200);
      const response = await post(`${exact} `);
      expect(response.status).toBe(413);
      expect(await response.json()).toEqual({
        error: `the body is larger than ${BODY_BYTES_MAX} bytes`,
      });
      const chunked = await fetch(`${server.address}${INFER}`, {
        ...{ method: 'POST', duplex: 'half' },
        body: new ReadableStream({
          pull(controller) {
            controller.enqueue(new Uint8Array(4_000));
          },
        }),
        headers: { 'Content-Type': 'application/json' },
      });
      expect(chunked.status).toBe(413);
      expect((await post(exact)).status).toBe(200);
    });

    it('refuses a body by its length, before a byte of it is there', async () => {
      const { server } = await start();
      const { socket, closed } = await open(server);
      socket.write(rawPost('', BODY_BYTES_MAX + 1));
      expect(await closed).toMatch(/^HTTP\/1\.1 413 /);
    });

    it('to the bodies of all open requests together', async () => {
      const backend = new HeldBackend();
      const { post } = await start({ infer: backend.infer });
      const large = requestBody(1).padEnd(BODY_BYTES_MAX);
      const open = Array.from({ length: 8 }, () => post(large));
      await backend.arrivals(8);
      const refused = await post(large);
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
      for (const { answer } of backend.held) answer();
      for (const response of await Promise.all(open)) expect(response.status).toBe(200);
      const again = post(large);
      await backend.arrivals(9);
      backend.held[8]!.answer();
      expect((await again).status).toBe(200);
    });

    it.each([
      ['what is no HTTP', 'nonsense\r\n\r\n', 400],
      ['large headers', `GET /v2 HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`, 431],
    ])('refuses %s with an error of its own', async (_what, bytes, status) => {
      const { server } = await start();
      const { socket, closed } = await open(server);
      socket.write(bytes);
      const [head, body] = (await closed).split('\r\n\r\n');
      expect(head).toContain(`HTTP/1.1 ${status} `);
      expect(JSON.parse(body!)).toEqual({ error: expect.any(String) });
      expect((await fetch(`${server.address}/v2`)).status).toBe(200);
    });

    it('to the time a client takes for its headers', async () => {
      const { server } = await start();
      const { socket, closed } = await open(server);
      socket.write(`POST ${INFER} HTTP/1.1\r\nHost:`);
      expect(await closed).toMatch(/^HTTP\/1\.1 408 /);
    });

    it('does not take rubbish after a request for its answer', async () => {
      const backend = new HeldBackend();
      const { server } = await start({ infer: backend.infer });
      const { socket, closed } = await open(server);
      socket.write(`${rawPost(requestBody(1))}rubbish\r\n\r\n`);
      expect(await closed).toBe('');
    });
  });

  it.each([
    ['text/plain', {}, 415],
    ['application/octet-stream', {}, 415],
    ['nonsense', {}, 415],
    ['application/json; charset=utf-8', {}, 200],
    ['application/json', { 'Content-Encoding': 'gzip' }, 415],
    ['application/json', { 'Inference-Header-Content-Length': '40' }, 415],
  ])('answers a body of %s %o with %i', async (type, headers, status) => {
    const { server } = await start();
    const response = await fetch(`${server.address}${INFER}`, {
      ...{ method: 'POST', body: requestBody(1) },
      headers: { 'Content-Type': type, ...headers },
    });
    expect(response.status).toBe(status);
  });

  it.each([
    ['', 'it is empty'],
    ['{"inputs":[', 'Unexpected end'],
    ['{"inputs":[NaN]}', 'Unexpected token'],
    ['{"__proto__":{"inputs":[]}}', '__proto__'],
    ['{"a":[{"constructor":{"prototype":{}}}]}', 'constructor'],
    ['['.repeat(BODY_BYTES_MAX), 'not valid JSON'],
  ])('refuses the body %s', async (body, message) => {
    const { post } = await start();
    const response = await post(body);
    expect(response.status).toBe(400);
    expect(await errorOf(response)).toContain(message);
  });

  it('refuses bytes that are no UTF-8', async () => {
    const { server } = await start();
    const response = await fetch(`${server.address}${INFER}`, {
      ...{ method: 'POST', body: Uint8Array.of(0x22, 0xff, 0x22) },
      headers: { 'Content-Type': 'application/json' },
    });
    expect([response.status, await response.json()]).toEqual([
      400,
      { error: 'the body is not valid UTF-8' },
    ]);
  });

  it('answers pipelined requests in their order, whichever is done first', async () => {
    const backend = new HeldBackend();
    const { server } = await start({ infer: backend.infer });
    const { socket, closed } = await open(server);
    socket.end([2, 4, 6].map((level) => rawPost(requestBody(level))).join(''));
    await backend.arrivals(3);
    for (const { answer } of backend.held.toReversed()) answer();
    const data = (await closed).matchAll(/"data":\[(\d)\]/g);
    expect([...data].map(([, value]) => value)).toEqual(['1', '2', '3']);
  });

  describe('stops', () => {
    it('at once where no request is open, whatever clients hold open', async () => {
      const { server, post } = await start();
      await (await post(requestBody(1))).text();
      const silent = await open(server);
      const halfway = await open(server);
      halfway.socket.write('GET /v2 HTTP/1.1\r\nHost:');
      const finished = await open(server);
      finished.socket.write('GET /v2 HTTP/1.1\r\nHost: x\r\n\r\n');
      await once(finished.socket, 'data');
      const { address } = server;
      // Far beyond the time a test has: a stop that waits for it fails.
      await Promise.all([server.stop(3_600_000), server.stop(0)]);
      await server.finished;
      await Promise.all([silent.closed, halfway.closed, finished.closed]);
      expect(server.health()).toEqual({ status: 'stopped', reason: 'stopped' });
      expect(server.address).toBe('');
      await expect(fetch(`${address}/v2`)).rejects.toThrow();
    });

    it('after the requests that are open, and takes no other', async () => {
      const backend = new HeldBackend();
      const seen = new EventEmitter();
      const versions = () => {
        seen.emit('request');
        return [PRIMARY];
      };
      const { server } = await start({ infer: backend.infer, versions });
      const one = await open(server);
      const two = await open(server);
      // Its body ends after the stop has begun.
      const body = requestBody(4);
      const begun = once(seen, 'request');
      two.socket.write(rawPost(body.slice(0, 10), body.length));
      await begun;
      one.socket.write(rawPost(requestBody(2)));
      await backend.arrivals(1);
      const stopped = server.stop(3_600_000);
      one.socket.write(rawPost(requestBody(8)));
      two.socket.write(body.slice(10));
      await backend.arrivals(2);
      for (const { answer } of backend.held) answer();
      await stopped;
      expect(backend.held).toHaveLength(2);
      for (const [{ closed }, value] of [[one, '1'] as const, [two, '2'] as const]) {
        const answer = await closed;
        expect(answer).toMatch(/^HTTP\/1\.1 200 /);
        expect(answer).toMatch(/connection: close/i);
        expect(answer).toContain(`"data":[${value}]`);
      }
    });

    it('after an answer that was on its way has arrived', async () => {
      const text = 'x'.repeat(20_000_000);
      const infer = async () => ({
        version: '7',
        outputs: new Map([['risk', { type: 'string', width: 1, data: [text] } as const]]),
      });
      const { server } = await start({ infer });
      const { socket, closed } = await open(server);
      socket.write(rawPost(requestBody(1)));
      await once(socket, 'data');
      socket.pause();
      const stopped = server.stop(3_600_000);
      socket.resume();
      await stopped;
      expect((await closed).length).toBeGreaterThan(text.length);
    });

    it('at the deadline, and tells the backend', async () => {
      const backend = new HeldBackend();
      const { server } = await start({ infer: backend.infer });
      const { socket, closed } = await open(server);
      socket.write(rawPost(requestBody(2)));
      await backend.arrivals(1);
      const { signal } = backend.held[0]!;
      const aborted = once(signal, 'abort');
      await server.stop(20);
      expect(await closed).toBe('');
      await aborted;
    });

    it('before it has started', async () => {
      const { server } = create();
      await server.stop(1_000);
      await server.finished;
      expect(server.health().status).toBe('stopped');
    });

    it('after a start that failed', async () => {
      const { server } = create({}, { host: '0.0.0.0' });
      await expect(server.start()).rejects.toThrow();
      await server.stop(1_000);
      expect(server.health().status).toBe('stopped');
    });
  });
});
