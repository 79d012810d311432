/**
 * Where the inference server listens, and that it may: beyond the loopback addresses only with a
 * token. A host name is resolved first, so that the address judged is the address bound.
 */
import { lookup } from 'node:dns/promises';
import type { Server } from 'node:http';
import { BlockList } from 'node:net';
import { CodedError } from '../../core/errors.ts';
import { isBearerToken } from './bearer-token.ts';

export interface ListenOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly token: string | null;
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** Throws `configuration.invalid` where it may not, or cannot. */
export async function listenIfAllowed(server: Server, options: ListenOptions): Promise<void> {
  const { host, port, token } = options;
  if (token !== null && !isBearerToken(token)) {
    throw refusal(options, 'the token is empty or has characters a bearer token cannot have');
  }
  const { address, family } = await lookup(host || '::').catch((cause: Error) => {
    throw refusal(options, cause.message, cause);
  });
  if (token === null && !LOOPBACK.check(address, family === 6 ? 'ipv6' : 'ipv4')) {
    throw refusal(options, 'beyond the loopback addresses a token is required, and none is set');
  }
  await new Promise<void>((resolve, reject) => {
    const fail = (cause: Error) => reject(refusal(options, cause.message, cause));
    server.once('error', fail);
    server.listen({ host: address, port }, () => {
      server.off('error', fail);
      resolve();
    });
  });
}

function refusal({ host, port }: ListenOptions, reason: string, cause?: Error): CodedError {
  const message = `the inference server cannot listen on ${host}:${port}: ${reason}`;
  return new CodedError('configuration.invalid', message, cause === undefined ? {} : { cause });
}
