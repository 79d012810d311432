/**
 * The HTTP endpoint of a process: `/livez`, `/readyz` and `/metrics`, for orchestrators and
 * Prometheus.
 *
 * - `/livez`: 200 while no component has failed, else 503 and which;
 * - `/readyz`: 200 only when every component is ready, with each one's status and reason;
 * - `/metrics`: Prometheus' text format.
 *
 * Takes no request body, no header block above 8 KiB and no slow client; binds to the loopback
 * address unless told otherwise. It offers no authentication: do not publish its port.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { CodedError } from '../../core/errors.ts';
import type { Component } from '../lifecycle/component.ts';
import type { Logger, Telemetry } from '../telemetry/telemetry.ts';
import { createHealthReport } from './health-report.ts';
import { createListeningComponent, type ListeningComponent } from './listening-component.ts';

export interface HealthServerOptions {
  /** 127.0.0.1 where absent; 0.0.0.0 or :: in a container. */
  readonly host?: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly components: readonly Component[];
  readonly telemetry: Pick<Telemetry, 'prometheusText'>;
  readonly logger: Logger;
}

const HEADER_BYTES_MAX = 8_192;
const HEADERS_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_TIMEOUT_MS = 5_000;
const CONNECTIONS_MAX = 64;

const JSON_TYPE = 'application/json; charset=utf-8';
const PLAIN_TYPE = 'text/plain; charset=utf-8';
const PROMETHEUS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export function createHealthServer(options: HealthServerOptions): ListeningComponent {
  const host = options.host ?? '127.0.0.1';
  const report = createHealthReport(options.components);
  const routes: Readonly<Record<string, () => Answer | Promise<Answer>>> = {
    '/livez': () => json(report.liveness()),
    '/readyz': () => json(report.readiness()),
    '/metrics': async () => ({
      status: 200,
      type: PROMETHEUS_TYPE,
      body: await options.telemetry.prometheusText(),
    }),
  };

  const server = createServer(
    {
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      connectionsCheckingInterval: 1_000,
    },
    (request, response) => {
      answer(request, routes).then(
        (ready) => send(request, response, ready),
        (error: unknown) => {
          options.logger.warn({ error, path: pathOf(request) }, 'health request failed');
          send(request, response, plain(500, 'internal error'));
        },
      );
    },
  );
  server.maxConnections = CONNECTIONS_MAX;

  return createListeningComponent({
    name: 'health-server',
    server,
    listen: () => listen(server, host, options.port),
    close: async (deadlineMs) => {
      if (server.listening) await closeWithin(server, deadlineMs);
    },
    onListening: (address) => options.logger.info({ address }, 'health endpoint listens'),
  });
}

async function answer(
  request: IncomingMessage,
  routes: Readonly<Record<string, () => Answer | Promise<Answer>>>,
): Promise<Answer> {
  const path = pathOf(request);
  const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
  if (route === undefined) return plain(404, 'not found');
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return { ...plain(405, 'method not allowed'), headers: { Allow: 'GET, HEAD' } };
  }
  if (hasBody(request)) return plain(413, 'a request body is not accepted');
  return route();
}

function send(request: IncomingMessage, response: ServerResponse, ready: Answer): void {
  response.writeHead(ready.status, {
    'Content-Type': ready.type,
    'Content-Length': Buffer.byteLength(ready.body),
    'Cache-Control': 'no-store',
    ...ready.headers,
    // What is left of an unread body must not be taken for the next request.
    ...(hasBody(request) ? { Connection: 'close' } : {}),
  });
  response.end(request.method === 'HEAD' ? undefined : ready.body);
}

function json({ healthy, body }: { healthy: boolean; body: unknown }): Answer {
  return { status: healthy ? 200 : 503, type: JSON_TYPE, body: `${JSON.stringify(body)}\n` };
}

function plain(status: number, text: string): Answer {
  return { status, type: PLAIN_TYPE, body: `${text}\n` };
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? '').split('?', 1)[0]!;
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const refuse = (cause: Error) => {
      const message = `health endpoint cannot listen on ${host}:${port}: ${cause.message}`;
      reject(new CodedError('configuration.invalid', message, { cause }));
    };
    server.once('error', refuse);
    server.listen({ host, port }, () => {
      server.off('error', refuse);
      resolve();
    });
  });
}

/** Open requests may finish until the deadline; idle connections are closed at once. */
function closeWithin(server: Server, deadlineMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), deadlineMs);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}
