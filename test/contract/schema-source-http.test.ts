/** The HTTP adapter keeps the contract of the port, and what a schema registry adds to it. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { CodedError } from '../../services/core/errors.ts';
import { SCHEMA_BYTES_MAX } from '../../services/core/limits.ts';
import { createHttpSchemaSource } from '../../services/platform/registry/http-schema-source.ts';
import { DOCUMENTS, schemaSourceContract } from './schema-source.contract.ts';

interface Registry {
  readonly port: number;
  readonly requests: IncomingMessage[];
  close(): Promise<void>;
}

async function startRegistry(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Registry> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/vnd.schemaregistry.v1+json' });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

const NOT_FOUND = { error_code: 40403, message: 'Schema 404 not found' };

function answerDocuments(request: IncomingMessage, response: ServerResponse): void {
  const id = /^\/schemas\/ids\/(\d+)$/.exec(request.url ?? '')?.[1];
  const schema = id === undefined ? undefined : DOCUMENTS.get(Number(id));
  if (schema === undefined) send(response, 404, NOT_FOUND);
  else send(response, 200, { schema });
}

schemaSourceContract('HTTP registry', {
  open: async () => {
    const registry = await startRegistry(answerDocuments);
    const source = createHttpSchemaSource({ url: `http://127.0.0.1:${registry.port}` });
    return { source, close: () => registry.close() };
  },
  openBroken: async () => {
    const registry = await startRegistry(answerDocuments);
    await registry.close();
    const url = `http://127.0.0.1:${registry.port}`;
    return { source: createHttpSchemaSource({ url }), close: async () => undefined };
  },
});

describe('HTTP schema source', () => {
  let registry: Registry;
  afterEach(() => registry.close());

  async function open(
    answer: (request: IncomingMessage, response: ServerResponse) => void,
    options: {
      path?: string;
      userinfo?: string;
      username?: string;
      password?: string;
      timeoutMs?: number;
    } = {},
  ) {
    registry = await startRegistry(answer);
    const { path = '', userinfo = '', ...rest } = options;
    const url = `http://${userinfo}127.0.0.1:${registry.port}${path}`;
    return createHttpSchemaSource({ url, ...rest });
  }

  test('an id is requested once, however often and by however many it is asked for', async () => {
    const source = await open(answerDocuments);
    await Promise.all(Array.from({ length: 20 }, () => source.fetch(1)));
    await source.fetch(1);
    expect(registry.requests).toHaveLength(1);
  });

  test('an id that is not known, and a registry that failed, are asked again', async () => {
    const statuses = [404, 500, 200];
    const source = await open((_, response) => {
      const status = statuses.shift()!;
      send(response, status, status === 200 ? { schema: '"int"' } : NOT_FOUND);
    });
    expect(await source.fetch(404)).toBeNull();
    await expect(source.fetch(404)).rejects.toMatchObject({ code: 'dependency.registry' });
    expect(await source.fetch(404)).toBe('int');
  });

  test("the registry's own path is kept", async () => {
    const source = await open((_, response) => send(response, 200, { schema: '"int"' }), {
      path: '/apis/ccompat/v7',
    });
    await source.fetch(3);
    expect(registry.requests[0]!.url).toBe('/apis/ccompat/v7/schemas/ids/3');
  });

  test.each([
    ['the URL', { userinfo: 'us%40er:p%3Ass@' }],
    ['options', { username: 'us@er', password: 'p:ss' }],
    ['options before the URL', { userinfo: 'a:b@', username: 'us@er', password: 'p:ss' }],
  ])('credentials of %s go into the header, and into no message', async (_, options) => {
    const source = await open((_request, response) => send(response, 401, {}), options);
    const error: unknown = await source.fetch(3).catch((each: unknown) => each);
    const expected = `Basic ${Buffer.from('us@er:p:ss').toString('base64')}`;
    expect(registry.requests[0]!.headers.authorization).toBe(expected);
    expect(error).toBeInstanceOf(CodedError);
    expect((error as CodedError).code).toBe('dependency.registry');
    expect((error as CodedError).message).toMatch(/answered 401/);
    expect(
      JSON.stringify([(error as CodedError).message, String((error as CodedError).cause)]),
    ).not.toMatch(/p:ss|p%3Ass|us@er/);
  });

  test('without credentials there is no header', async () => {
    const source = await open(answerDocuments);
    await source.fetch(1);
    expect(registry.requests[0]!.headers.authorization).toBeUndefined();
  });

  test.each<[string, unknown, RegExp]>([
    [
      'another type',
      { schema: 'syntax = "proto3";', schemaType: 'PROTOBUF' },
      /of type PROTOBUF, expected AVRO/,
    ],
    [
      'references',
      { schema: '"int"', references: [{ name: 'a', subject: 's', version: 1 }] },
      /refers to other schemas/,
    ],
    ['an endless answer', { schema: 'x'.repeat(3 * SCHEMA_BYTES_MAX) }, /longer than/],
  ])('a schema with %s is refused for good', async (_, body, message) => {
    const source = await open((_request, response) => send(response, 200, body));
    const refused = { code: 'decode.unknown-schema', message: expect.stringMatching(message) };
    await expect(source.fetch(3)).rejects.toMatchObject(refused);
    await expect(source.fetch(3)).rejects.toMatchObject(refused);
    expect(registry.requests).toHaveLength(1);
  });

  test.each<[string, number, unknown]>([
    ['a page that is not JSON', 200, '<html>'],
    ['JSON without a schema', 200, { schemaType: 'AVRO' }],
    ['JSON null', 200, 'null'],
    ['a 404 of something else', 404, '<html>not here</html>'],
    ['an error of the registry', 500, { error_code: 50001 }],
    ['a redirect', 302, ''],
  ])('%s is a registry that did not answer', async (_, status, body) => {
    const source = await open((_request, response) => {
      if (status === 302) response.setHeader('location', 'http://127.0.0.1:1/elsewhere');
      send(response, status, body);
    });
    await expect(source.fetch(3)).rejects.toMatchObject({ code: 'dependency.registry' });
  });

  test.each([
    ['nothing', () => undefined],
    [
      'a first byte only',
      (_: IncomingMessage, response: ServerResponse) => void response.write('{'),
    ],
  ])('a registry that sends %s is given up after the timeout', async (_, answer) => {
    const source = await open(answer, { timeoutMs: 80 });
    await expect(source.fetch(3)).rejects.toMatchObject({ code: 'dependency.registry' });
  });

  test.each([
    'not a url',
    'ftp://registry',
    'registry:8081',
    '//user:secret@registry',
    'http://user:secret%zz@registry',
  ])('%s cannot be used as a registry, and its message does not repeat it', async (url) => {
    await open(answerDocuments);
    const refused = {
      code: 'configuration.invalid',
      message: expect.not.stringContaining('secret'),
    };
    expect(() => createHttpSchemaSource({ url })).toThrow(expect.objectContaining(refused));
  });
});
