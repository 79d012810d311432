/**
 * The model as a service: the Open Inference Protocol on a port of its own, answered by a backend.
 *
 * - Takes no body above `bodyBytesMax`, no header block above 16 KiB, no client that is slow for long,
 *   and a bounded number of connections.
 * - Binds to the loopback address unless told otherwise; elsewhere it does not start without a token.
 *   It speaks plain HTTP: on a network, put something that speaks TLS before it.
 * - `stop` refuses new requests, waits for open ones until the deadline, and leaves no socket.
 */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { Component, Health } from '../lifecycle/component.ts';
import type { Logger } from '../telemetry/telemetry.ts';
import { createInferenceApp } from './inference-app.ts';
import type { InferenceBackend } from './inference-backend.ts';
import { addressOf, listenIfAllowed } from './inference-listen.ts';
import { addInferenceRoutes } from './inference-routes.ts';
import { InferenceSockets } from './inference-sockets.ts';

export interface InferenceServerOptions {
  /** 127.0.0.1 where absent. */
  readonly host?: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly backend: InferenceBackend;
  /** What callers must send; `null` for none, on the loopback address only. */
  readonly token: string | null;
  readonly logger: Logger;
  /** Body of one request. */
  readonly bodyBytesMax: number;
  /** Of tidegauge, as `GET /v2` tells it. */
  readonly version: string;
}

export interface InferenceServer extends Component {
  /** `http://host:port`; empty while it does not listen. */
  readonly address: string;
}

const HEADER_BYTES_MAX = 16_384;
const HEADERS_TIMEOUT_MS = 5_000;
/** Headers and body together. */
const REQUEST_TIMEOUT_MS = 30_000;
/** Beyond what load balancers keep an idle connection, so that it is not closed under a request. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
/** A connection on which nothing moves: longer than a request is waited for, and than keep-alive. */
const SOCKET_IDLE_MS_MAX = 90_000;
const CONNECTIONS_MAX = 256;

export function createInferenceServer(options: InferenceServerOptions): InferenceServer {
  const host = options.host ?? '127.0.0.1';
  let status: Health['status'] = 'starting';
  let reason = 'not started';
  let resolveFinished: () => void = () => {};
  let rejectFinished: (error: Error) => void = () => {};
  const finished = new Promise<void>((resolve, reject) => {
    resolveFinished = resolve;
    rejectFinished = reject;
  });
  finished.catch(() => {});

  let stopping: Promise<void> | null = null;
  const app = createInferenceApp({
    token: options.token,
    logger: options.logger,
    bodyBytesMax: options.bodyBytesMax,
    isStopping: () => stopping !== null,
    serverFactory: (listener) => createHttpServer(listener as RequestListener),
  });
  addInferenceRoutes(app, options);
  const http = app.server;
  const sockets = new InferenceSockets(http);

  async function stop(deadlineMs: number): Promise<void> {
    if (http.listening) await sockets.close(deadlineMs);
    await app.close();
    if (status !== 'failed') {
      status = 'stopped';
      reason = 'stopped';
    }
    resolveFinished();
  }

  return {
    name: 'inference-server',
    finished,
    get address() {
      return addressOf(http);
    },
    async start() {
      await app.ready();
      await listenIfAllowed(http, { host, port: options.port, token: options.token });
      http.on('error', (error) => {
        status = 'failed';
        reason = error.message;
        rejectFinished(error);
      });
      status = 'ready';
      reason = '';
      options.logger.info({ address: addressOf(http) }, 'inference endpoint listens');
    },
    stop(deadlineMs) {
      stopping ??= stop(deadlineMs);
      return stopping;
    },
    health: () => ({ status, reason }),
  };
}

function createHttpServer(listener: RequestListener): Server {
  const server = createServer(
    {
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      connectionsCheckingInterval: 1_000,
    },
    listener,
  );
  server.maxConnections = CONNECTIONS_MAX;
  server.setTimeout(SOCKET_IDLE_MS_MAX);
  return server;
}
