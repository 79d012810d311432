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
import type { Logger } from '../telemetry/telemetry.ts';
import { createInferenceApp } from './inference-app.ts';
import type { InferenceBackend } from './inference-backend.ts';
import { listenIfAllowed } from './inference-listen.ts';
import { addInferenceRoutes } from './inference-routes.ts';
import { InferenceSockets } from './inference-sockets.ts';
import { createListeningComponent, type ListeningComponent } from './listening-component.ts';

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

const HEADER_BYTES_MAX = 16_384;
const HEADERS_TIMEOUT_MS = 5_000;
/** Headers and body together. */
const REQUEST_TIMEOUT_MS = 30_000;
/** Beyond what load balancers keep an idle connection, so that it is not closed under a request. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
/** A connection on which nothing moves: longer than a request is waited for, and than keep-alive. */
const SOCKET_IDLE_MS_MAX = 90_000;
const CONNECTIONS_MAX = 256;

export function createInferenceServer(options: InferenceServerOptions): ListeningComponent {
  const { host = '127.0.0.1', port, token, logger, bodyBytesMax } = options;
  let isStopping = false;
  const app = createInferenceApp({
    ...{ token, logger, bodyBytesMax },
    isStopping: () => isStopping,
    serverFactory: (listener) => createHttpServer(listener as RequestListener),
  });
  addInferenceRoutes(app, options);
  const { server } = app;
  const sockets = new InferenceSockets(server);

  return createListeningComponent({
    name: 'inference-server',
    server,
    async listen() {
      await app.ready();
      await listenIfAllowed(server, { host, port, token });
    },
    async close(deadlineMs) {
      isStopping = true;
      if (server.listening) await sockets.close(deadlineMs);
      await app.close();
    },
    onListening: (address) => logger.info({ address }, 'inference endpoint listens'),
  });
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
