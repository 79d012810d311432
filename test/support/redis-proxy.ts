/**
 * A TCP proxy on loopback between a service and Redis that knows where a request and its answer end:
 * it loses single ones and cuts the connection with them, as a network or a failover does; it holds
 * answers back, cuts every connection, and refuses new ones.
 */
import { connect, createServer, type Socket } from 'node:net';
import { COMMIT_SCRIPT } from '../../services/platform/store/redis-scripts.ts';

export interface RedisProxy {
  readonly url: string;
  /** Asked for each request; true: it never reaches Redis, and its connection is cut. */
  losesRequest: (request: Buffer) => boolean;
  /** Asked for each answer; true: Redis has done it, nobody hears of it, and the connection is cut. */
  losesReply: (request: Buffer, reply: Buffer) => boolean;
  /** Answers wait until `release`; those of a connection that is gone by then are gone with it. */
  hold(): void;
  release(): void;
  /** Ends every connection; a service may open another at once. */
  cut(): void;
  /** Whether new connections are cut off as they come. */
  refusing: boolean;
  close(): Promise<void>;
}

interface Link {
  readonly client: Socket;
  /** Sent to Redis and not answered yet, in order. */
  readonly unanswered: Buffer[];
  /** Answers that the client is not given for now. */
  readonly held: Buffer[];
}

export async function startRedisProxy(redisUrl: string): Promise<RedisProxy> {
  const target = new URL(redisUrl);
  const links = new Set<Link>();
  let holding = false;

  const server = createServer((client) => {
    if (proxy.refusing) {
      client.destroy();
      return;
    }
    const redis = connect(Number(target.port === '' ? 6379 : target.port), target.hostname);
    const link: Link = { client, unanswered: [], held: [] };
    links.add(link);
    for (const [socket, other] of [
      [client, redis],
      [redis, client],
    ] as const) {
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        links.delete(link);
        other.destroy();
      });
    }
    const requests = createFrames((request) => {
      if (client.destroyed) return;
      if (proxy.losesRequest(request)) {
        client.destroy();
        return;
      }
      link.unanswered.push(request);
      redis.write(request);
    });
    const replies = createFrames((reply) => {
      const request = link.unanswered.shift()!;
      if (client.destroyed) return;
      if (proxy.losesReply(request, reply)) client.destroy();
      else if (holding) link.held.push(reply);
      else client.write(reply);
    });
    client.on('data', requests);
    redis.on('data', replies);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(target);
  url.host = `127.0.0.1:${(server.address() as { port: number }).port}`;

  const proxy: RedisProxy = {
    url: url.href,
    losesRequest: () => false,
    losesReply: () => false,
    refusing: false,
    hold() {
      holding = true;
    },
    release() {
      holding = false;
      for (const { client, held } of links) for (const reply of held.splice(0)) client.write(reply);
    },
    cut() {
      for (const { client } of links) client.destroy();
    },
    async close() {
      proxy.cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}

/** Whether a request is a commit of the Redis StateStore. */
export function isCommit(request: Buffer): boolean {
  return request.includes(COMMIT_SCRIPT.sha1) || request.includes(COMMIT_SCRIPT.source);
}

/** Takes a stream in pieces and gives whole messages of Redis' protocol. */
function createFrames(give: (frame: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let end = frameEnd(rest, 0); end !== null; end = frameEnd(rest, 0)) {
      const frame = rest.subarray(0, end);
      rest = rest.subarray(end);
      give(frame);
    }
  };
}

/** Strings, errors and texts: so many bytes follow. */
const SIZED = '$!=';
/** Arrays and sets: so many frames follow. Of maps twice as many. */
const COUNTED = '*~';
const MAP = '%';

/**
 *     frame = sized length CRLF bytes CRLF  |  counted count CRLF frame…  |  kind text CRLF
 *
 * Where the frame that starts at `start` ends, `null` where its end has not come yet. A negative
 * length or count stands for nothing.
 */
function frameEnd(bytes: Buffer, start: number): number | null {
  const lineEnd = bytes.indexOf('\r\n', start);
  if (lineEnd === -1) return null;
  const kind = String.fromCharCode(bytes[start]!);
  const stated = Number(bytes.toString('latin1', start + 1, lineEnd));
  let end: number | null = lineEnd + 2;
  if (SIZED.includes(kind) && stated >= 0) {
    end += stated + 2;
    return end <= bytes.length ? end : null;
  }
  const frameCount = COUNTED.includes(kind) ? stated : kind === MAP ? 2 * stated : 0;
  for (let index = 0; index < frameCount && end !== null; index++) end = frameEnd(bytes, end);
  return end;
}
