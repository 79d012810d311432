/** The health endpoint over real sockets. */
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { createHealthServer } from '../../../../services/platform/http/health-server.ts';
import type { ListeningComponent } from '../../../../services/platform/http/listening-component.ts';
import type { Component, Health } from '../../../../services/platform/lifecycle/component.ts';
import { createMemoryTelemetry } from '../../../../services/platform/telemetry/memory-telemetry.ts';

function componentWith(name: string, health: Health | (() => Health)): Component {
  return {
    name,
    start: async () => {},
    stop: async () => {},
    health: () => (typeof health === 'function' ? health() : health),
    finished: Promise.resolve(),
  };
}

const READY: Health = { status: 'ready', reason: '' };

describe('health server', () => {
  const servers: ListeningComponent[] = [];
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.stop(100)));
  });

  async function start(components: readonly Component[], options: { port?: number } = {}) {
    const telemetry = createMemoryTelemetry();
    const server = createHealthServer({
      port: 0,
      ...options,
      components,
      telemetry,
      logger: telemetry.logger('health'),
    });
    servers.push(server);
    await server.start();
    return { server, telemetry };
  }

  /** Sends bytes as they are and returns all that comes back until the server closes. */
  function raw(address: string, text: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const { hostname, port } = new URL(address);
      const socket = connect(Number(port), hostname, () => socket.write(text));
      let received = '';
      socket.on('data', (bytes) => {
        received += bytes.toString();
      });
      socket.on('close', () => resolve(received));
      socket.on('error', reject);
    });
  }

  it.each([
    ['starting', 200, 503],
    ['ready', 200, 200],
    ['degraded', 200, 503],
    ['failed', 503, 503],
    ['stopped', 200, 503],
  ] as const)('with a component %s is live %i and ready %i', async (status, live, ready) => {
    const health = { status, reason: status === 'ready' ? '' : `because ${status}` };
    const { server } = await start([
      componentWith('validator', READY),
      componentWith('evaluator', health),
    ]);
    const liveness = await fetch(`${server.address}/livez`);
    const readiness = await fetch(`${server.address}/readyz`);
    expect(liveness.status).toBe(live);
    expect(readiness.status).toBe(ready);
    expect(await readiness.json()).toEqual({
      status: ready === 200 ? 'ready' : 'not ready',
      components: [
        { name: 'validator', status: 'ready', reason: '' },
        { name: 'evaluator', ...health },
      ],
    });
    expect(await liveness.json()).toEqual(
      live === 200
        ? { status: 'live', components: [] }
        : { status: 'failed', components: [{ name: 'evaluator', ...health }] },
    );
    expect(readiness.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(readiness.headers.get('cache-control')).toBe('no-store');
  });

  it('follows a component that changes', async () => {
    let health: Health = { status: 'starting', reason: 'joining the group' };
    const { server } = await start([componentWith('validator', () => health)]);
    expect((await fetch(`${server.address}/readyz`)).status).toBe(503);
    health = READY;
    expect((await fetch(`${server.address}/readyz`)).status).toBe(200);
  });

  it('takes a component that cannot tell its health for failed', async () => {
    const { server } = await start([
      componentWith('validator', () => {
        throw new Error('broken');
      }),
    ]);
    const liveness = await fetch(`${server.address}/livez`);
    expect(liveness.status).toBe(503);
    expect(await liveness.text()).toContain('broken');
  });

  it('gives the metrics in the text format', async () => {
    const { server, telemetry } = await start([]);
    telemetry.counter({ name: 'events', description: 'events', unit: '{event}' }).cell({}).add(4);
    const response = await fetch(`${server.address}/metrics?x=1`);
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(await response.text()).toContain('events_total 4\n');
  });

  it('answers 500 and goes on where the metrics fail', async () => {
    const logging = createMemoryTelemetry();
    const server = createHealthServer({
      port: 0,
      components: [],
      telemetry: { prometheusText: () => Promise.reject(new Error('no metrics')) },
      logger: logging.logger('health'),
    });
    servers.push(server);
    await server.start();
    expect((await fetch(`${server.address}/metrics`)).status).toBe(500);
    expect((await fetch(`${server.address}/livez`)).status).toBe(200);
    expect(logging.logs.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });

  it('answers HEAD like GET without a body', async () => {
    const { server } = await start([componentWith('validator', READY)]);
    const get = await fetch(`${server.address}/readyz`);
    const head = await fetch(`${server.address}/readyz`, { method: 'HEAD' });
    expect(head.status).toBe(200);
    expect(await head.text()).toBe('');
    expect(head.headers.get('content-length')).toBe(String((await get.text()).length));
  });

  it.each(['/', '/healthz', '/livez/', '//livez', '/constructor', '/__proto__', '/LIVEZ'])(
    'does not know %s',
    async (path) => {
      const { server } = await start([]);
      const response = await raw(
        server.address,
        `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
      );
      expect(response).toMatch(/^HTTP\/1\.1 404 /);
    },
  );

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])('does not allow %s', async (method) => {
    const { server } = await start([]);
    const response = await fetch(`${server.address}/livez`, { method });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('GET, HEAD');
  });

  it('takes no body, and not what is in it for another request', async () => {
    const { server } = await start([]);
    const hidden = 'GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n';
    const response = await raw(
      server.address,
      `GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
    );
    expect(response).toMatch(/^HTTP\/1\.1 413 /);
    expect(response.match(/HTTP\/1\.1 /g)).toHaveLength(1);
  });

  it('refuses malformed requests and oversized headers', async () => {
    const { server } = await start([]);
    expect(await raw(server.address, 'nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
    const large = `GET /livez HTTP/1.1\r\nHost: x\r\nX-Large: ${'a'.repeat(10_000)}\r\n\r\n`;
    expect(await raw(server.address, large)).toMatch(/^HTTP\/1\.1 431 /);
    expect((await fetch(`${server.address}/livez`)).status).toBe(200);
  });

  it('does not start on a port that is taken, naming it, and leaves nothing behind', async () => {
    const { server } = await start([]);
    const port = Number(new URL(server.address).port);
    await expect(start([], { port })).rejects.toMatchObject({
      code: 'configuration.invalid',
      message: expect.stringContaining(`127.0.0.1:${port}`),
    });
  });

  it('is ready while it listens, and stops more than once', async () => {
    const { server } = await start([]);
    const { address } = server;
    expect(server.health().status).toBe('ready');
    await Promise.all([server.stop(100), server.stop(100)]);
    await server.finished;
    expect(server.health().status).toBe('stopped');
    expect(server.address).toBe('');
    await expect(fetch(`${address}/livez`)).rejects.toThrow();
  });

  it('closes at once where only idle connections are left, and stuck ones by the deadline', async () => {
    const idle = await start([]);
    await (await fetch(`${idle.server.address}/livez`)).text();
    const idleStartMs = performance.now();
    await idle.server.stop(5_000);
    expect(performance.now() - idleStartMs).toBeLessThan(1_000);

    const stuck = await start([]);
    const closed = raw(stuck.server.address, 'GET /livez HTTP/1.1\r\nHost:');
    await sleep(50);
    const stuckStartMs = performance.now();
    await stuck.server.stop(200);
    expect(performance.now() - stuckStartMs).toBeLessThan(1_000);
    await closed;
  });
});
