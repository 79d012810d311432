/**
 * A component that is an HTTP server: listens when it starts, fails when its server does, and closes
 * once however often it is asked. How it listens and what closing waits for is its own.
 */
import type { Server } from 'node:http';
import type { Component, Health } from '../lifecycle/component.ts';

export interface ListeningComponent extends Component {
  /** `http://host:port`; empty while it does not listen. */
  readonly address: string;
}

export interface ListeningOptions {
  readonly name: string;
  readonly server: Server;
  /** Rejects with `configuration.invalid` where it cannot. */
  listen(): Promise<void>;
  /** Called once, within the first `stop`. */
  close(deadlineMs: number): Promise<void>;
  onListening(address: string): void;
}

export function createListeningComponent(options: ListeningOptions): ListeningComponent {
  const { name, server } = options;
  let status: Health['status'] = 'starting';
  let reason = 'not started';
  let stopping: Promise<void> | null = null;
  let resolveFinished: () => void = () => {};
  let rejectFinished: (error: Error) => void = () => {};
  const finished = new Promise<void>((resolve, reject) => {
    resolveFinished = resolve;
    rejectFinished = reject;
  });
  finished.catch(() => {});

  async function stop(deadlineMs: number): Promise<void> {
    await options.close(deadlineMs);
    if (status !== 'failed') {
      status = 'stopped';
      reason = 'stopped';
    }
    resolveFinished();
  }

  return {
    name,
    finished,
    get address() {
      return addressOf(server);
    },
    async start() {
      await options.listen();
      server.on('error', (error) => {
        status = 'failed';
        reason = error.message;
        rejectFinished(error);
      });
      status = 'ready';
      reason = '';
      options.onListening(addressOf(server));
    },
    stop(deadlineMs) {
      stopping ??= stop(deadlineMs);
      return stopping;
    },
    health: () => ({ status, reason }),
  };
}

function addressOf(server: Server): string {
  const bound = server.address();
  if (bound === null || typeof bound === 'string') return '';
  const host = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address;
  return `http://${host}:${bound.port}`;
}
