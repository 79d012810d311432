/**
 * The body of an inference request, from its headers to parsed JSON: refused by its headers where it
 * is of another type or there is no room for it, and read as UTF-8 JSON without keys that could reach
 * a prototype.
 */
import { isUtf8 } from 'node:buffer';
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { RETRY_LATER, RequestRefusal } from './inference-error.ts';

/** Throws for what could not be read anyway, before any of it is. */
export function checkBodyHeaders(headers: IncomingHttpHeaders): void {
  if (headers['inference-header-content-length'] !== undefined) {
    const reason = 'binary tensor data (Inference-Header-Content-Length) is not offered';
    throw new RequestRefusal(415, `${reason}, expected the whole request as JSON`);
  }
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    throw new RequestRefusal(415, 'the content encoding is not supported, expected none');
  }
}

/**
 * Room for the bodies of all open requests together. A body of unknown length takes the room of the
 * largest that is allowed.
 */
export class BodyRoom {
  readonly #bodyBytesMax: number;
  #bytesLeft: number;

  constructor(options: { readonly bodyBytesMax: number; readonly openBodiesMax: number }) {
    this.#bodyBytesMax = options.bodyBytesMax;
    this.#bytesLeft = options.bodyBytesMax * options.openBodiesMax;
  }

  /** Returns what gives the room back, to be called once; throws where there is none. */
  take(headers: IncomingHttpHeaders): () => void {
    const length = headers['content-length'];
    const bytes = length === undefined ? this.#bodyBytesMax : Number(length);
    // A larger one is refused by the parser, with its own status.
    const taken = Math.min(bytes, this.#bodyBytesMax);
    if (taken > this.#bytesLeft) {
      throw new RequestRefusal(503, 'too many large requests are open', RETRY_LATER);
    }
    this.#bytesLeft -= taken;
    return () => {
      this.#bytesLeft += taken;
    };
  }
}

/** Makes `application/json` the only type of body. */
export function acceptJsonOnly(app: FastifyInstance): void {
  const parseSafely = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    if (!isUtf8(body as Buffer))
      return done(new RequestRefusal(400, 'the body is not valid UTF-8'));
    const text = body.toString();
    parseSafely(request, text, (error, value) => {
      if (error === null) done(null, value);
      else done(new RequestRefusal(400, `the body is not valid JSON: ${faultOf(text)}`));
    });
  });
}

/** What the parser does not tell; asked only where it has refused. */
function faultOf(text: string): string {
  if (text === '') return 'it is empty';
  try {
    JSON.parse(text);
  } catch (error) {
    return (error as SyntaxError).message;
  }
  return 'it has a "__proto__" or "constructor" key, which is not accepted';
}
