/**
 * The connections of an HTTP server, and how they end.
 *
 * - With the server: those on which no request is open end at once (half a header block, an idle
 *   keep-alive, a client that never speaks), the others with their last answer, what is left by
 *   the deadline.
 * - By what is no HTTP, or comes too slowly: with an answer where it can belong to nothing else.
 */
import { type Server, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { errorBody } from './inference-error.ts';

/** By the code of Node's error; anything else is a malformed request. */
const BROKEN: Readonly<Record<string, readonly [number, string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'the request came too slowly'],
  HPE_HEADER_OVERFLOW: [431, 'the headers are too large'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'the chunk extensions are too large'],
};
const MALFORMED = [400, 'the request is not valid HTTP'] as const;

/** Takes over the ending of connections from `server`. */
export class InferenceSockets {
  readonly #server: Server;
  /** Requests that are open on each connection; pipelining makes them several. */
  readonly #openRequests = new Map<Socket, number>();
  #closing = false;

  constructor(server: Server) {
    this.#server = server;
    // Node's own, called by `close`, cuts an answer that has not left yet.
    server.closeIdleConnections = () => {};
    server.on('connection', (socket: Socket) => {
      this.#openRequests.set(socket, 0);
      socket.once('close', () => this.#openRequests.delete(socket));
    });
    server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
      const code = error.code ?? '';
      const openRequests = this.#openRequests.get(socket) ?? 0;
      // A slow body is an open request itself. To any other open request the answer would be wrong.
      const openRequestsMax = code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 1 : 0;
      if (socket.writable && openRequests <= openRequestsMax) socket.write(brokenAnswer(code));
      socket.destroySoon();
    });
    server.prependListener('request', ({ socket }, response) => {
      this.#count(socket, 1);
      response.once('close', () => {
        this.#count(socket, -1);
        // Ends after what is written has left.
        if (this.#closing && this.#openRequests.get(socket) === 0) socket.destroySoon();
      });
    });
  }

  /** Resolves when the server has closed and no socket is left. */
  close(deadlineMs: number): Promise<void> {
    this.#closing = true;
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        for (const socket of this.#openRequests.keys()) socket.destroy();
      }, deadlineMs);
      this.#server.close(() => {
        clearTimeout(timer);
        resolve();
      });
      for (const [socket, openRequests] of this.#openRequests) {
        // An answered request may still be on its way: it is sent to its end.
        if (openRequests === 0) socket.destroySoon();
      }
    });
  }

  #count(socket: Socket, change: number): void {
    const openRequests = this.#openRequests.get(socket);
    if (openRequests !== undefined) this.#openRequests.set(socket, openRequests + change);
  }
}

function brokenAnswer(code: string): string {
  const [status, message] = (Object.hasOwn(BROKEN, code) ? BROKEN[code] : undefined) ?? MALFORMED;
  const body = errorBody(message);
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}
