/**
 * Writer schemas from a Confluent-compatible schema registry: `GET /schemas/ids/{id}`.
 *
 *     200 {"schema": "<schema as JSON text>", "schemaType"?: "AVRO" | …, "references"?: […]}
 *     404 {"error_code": 40403, "message": …}      no such id
 *
 * An id names one schema for ever, so what was fetched is kept (the least recently used is dropped at
 * `WRITER_SCHEMAS_MAX`), and callers asking for one id at a time share one request. An id that is not
 * known is asked for again, for it may be registered later. Credentials go into the `Authorization`
 * header and nowhere else: no message holds them.
 */
import { LRUCache } from 'lru-cache';
import { CodedError } from '../../core/errors.ts';
import { REQUEST_TIMEOUT_MS, SCHEMA_BYTES_MAX, WRITER_SCHEMAS_MAX } from '../../core/limits.ts';
import { parseSchemaDocument, tooLarge, unusable } from './schema-document.ts';
import type { SchemaSource } from './schema-source.ts';

export interface HttpSchemaSourceOptions {
  /** `http` or `https`, with a path where the registry has one; may carry `user:password@`. */
  readonly url: string;
  /** Instead of the URL's. */
  readonly username?: string;
  readonly password?: string;
  /** From the request to the last byte of the answer; `REQUEST_TIMEOUT_MS` where not given. */
  readonly timeoutMs?: number;
}

type Entry = { readonly schema: unknown } | { readonly refusal: CodedError };

const SCHEMA_NOT_FOUND = 40403;
/** The schema is a string inside JSON: quotes and newlines take two bytes each. */
const ANSWER_BYTES_MAX = 2 * SCHEMA_BYTES_MAX + 65_536;
const ACCEPT = 'application/vnd.schemaregistry.v1+json, application/json';

/** Throws `configuration.invalid` where the URL cannot be used. */
export function createHttpSchemaSource(options: HttpSchemaSourceOptions): SchemaSource {
  const { base, authorization } = parseOptions(options);
  const { timeoutMs = REQUEST_TIMEOUT_MS } = options;
  const headers = { accept: ACCEPT, ...(authorization === null ? {} : { authorization }) };
  const cache = new LRUCache<number, Entry>({
    max: WRITER_SCHEMAS_MAX,
    fetchMethod: (schemaId) => request(schemaId),
  });

  async function request(schemaId: number): Promise<Entry | undefined> {
    const url = new URL(`schemas/ids/${schemaId}`, base);
    const what = `schema ${schemaId} of the registry`;
    let status: number;
    let body: string | null;
    try {
      const signal = AbortSignal.timeout(timeoutMs);
      const response = await fetch(url, { headers, signal, redirect: 'error' });
      status = response.status;
      body = await readBounded(response);
    } catch (error) {
      throw unreachable(url, reasonOf(error), error);
    }
    if (status === 404 && body !== null && errorCode(body) === SCHEMA_NOT_FOUND) return undefined;
    if (status !== 200) throw unreachable(url, `it answered ${status}`);
    try {
      if (body === null) throw tooLarge(what);
      return { schema: parseAnswer(body, what) };
    } catch (error) {
      if (error instanceof CodedError) return { refusal: error };
      throw unreachable(url, 'its answer is not that of a schema registry', error);
    }
  }

  return {
    async fetch(schemaId) {
      const entry = await cache.fetch(schemaId);
      if (entry === undefined) return null;
      if ('refusal' in entry) throw entry.refusal;
      return entry.schema;
    },
  };
}

function parseOptions(options: HttpSchemaSourceOptions) {
  const base = URL.canParse(options.url) ? new URL(options.url) : null;
  if (base?.protocol !== 'http:' && base?.protocol !== 'https:') {
    // The text is left out: it may hold a password.
    const message = 'the schema registry URL is not one of http: or https:';
    throw new CodedError('configuration.invalid', message);
  }
  const username = options.username ?? decodeUserinfo(base.username);
  const password = options.password ?? decodeUserinfo(base.password);
  base.username = '';
  base.password = '';
  base.search = '';
  base.hash = '';
  if (!base.pathname.endsWith('/')) base.pathname += '/';
  const credentials = Buffer.from(`${username}:${password}`, 'utf8').toString('base64');
  const isAnonymous = username === '' && password === '';
  return { base, authorization: isAnonymous ? null : `Basic ${credentials}` };
}

function decodeUserinfo(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    const message = 'the user or password in the schema registry URL has a % that encodes nothing';
    throw new CodedError('configuration.invalid', message);
  }
}

/** `null` where the answer is longer than any schema may be; the rest is not read. */
async function readBounded(response: Response): Promise<string | null> {
  const chunks: Uint8Array[] = [];
  let byteCount = 0;
  for await (const chunk of response.body ?? []) {
    byteCount += chunk.length;
    if (byteCount > ANSWER_BYTES_MAX) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function errorCode(body: string): unknown {
  try {
    return (JSON.parse(body) as { readonly error_code?: unknown } | null)?.error_code;
  } catch {
    return undefined;
  }
}

/** Throws `decode.unknown-schema`, or another error where this is no registry's answer. */
function parseAnswer(body: string, what: string): unknown {
  const answer: unknown = JSON.parse(body);
  if (typeof answer !== 'object' || answer === null) throw new TypeError('not an object');
  const { schema, schemaType = 'AVRO', references = [] } = answer as Record<string, unknown>;
  if (typeof schema !== 'string') throw new TypeError('no schema');
  if (schemaType !== 'AVRO') throw unusable(`${what} is of type ${schemaType}, expected AVRO`);
  if (Array.isArray(references) && references.length > 0) {
    throw unusable(`${what} refers to other schemas, expected one that is complete by itself`);
  }
  return parseSchemaDocument(schema, what);
}

/** The cause of a failed `fetch` says more than "fetch failed". */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}

function unreachable(url: URL, reason: string, cause?: unknown): CodedError {
  const message = `the schema registry at ${url.origin} did not give a schema: ${reason}`;
  return new CodedError('dependency.registry', message, { cause });
}
