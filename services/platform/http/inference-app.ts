/**
 * What holds for every path of the inference server: who may ask, what a body may be, that nothing new
 * begins once it stops, and that every error is `{"error": "…"}`.
 */
import {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerFactory,
  fastify,
} from 'fastify';
import type { Logger } from '../telemetry/telemetry.ts';
import { createTokenCheck } from './bearer-token.ts';
import { acceptJsonOnly } from './inference-body.ts';
import { answerOf, errorBody, RETRY_LATER, RequestRefusal, UNFORESEEN } from './inference-error.ts';

export interface InferenceAppOptions {
  /** `null`: no token is asked for. */
  readonly token: string | null;
  readonly logger: Logger;
  readonly bodyBytesMax: number;
  /** From then on every new request is refused. */
  readonly isStopping: () => boolean;
  readonly serverFactory: FastifyServerFactory;
}

/** Characters of a name in a path. */
const NAME_LENGTH_MAX = 512;

export function createInferenceApp(options: InferenceAppOptions): FastifyInstance {
  const { bodyBytesMax, isStopping, logger, token } = options;

  function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const answer = answerOf(error, bodyBytesMax);
    if (answer === null) {
      logger.warn({ error, path: request.url }, 'an inference request failed unforeseen');
    }
    const { status, message, headers } = answer ?? UNFORESEEN;
    return reply.code(status).headers(headers).type('application/json').send(errorBody(message));
  }

  const app = fastify({
    serverFactory: options.serverFactory,
    bodyLimit: bodyBytesMax,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: NAME_LENGTH_MAX },
    return503OnClosing: false,
    frameworkErrors: sendError,
    // Whoever makes the server knows which requests are open on the connection.
    clientErrorHandler: () => {},
  });
  acceptJsonOnly(app);
  app.setErrorHandler(sendError);
  app.setNotFoundHandler(({ url }) => {
    throw new RequestRefusal(404, `there is no route ${url.slice(0, 200)}`);
  });
  app.addHook('onRequest', async () => {
    if (isStopping()) throw new RequestRefusal(503, 'the server is stopping', RETRY_LATER);
  });
  if (token !== null) demandToken(app, token);
  app.addHook('onSend', (_request, reply, payload, done) => {
    reply.header('Cache-Control', 'no-store');
    if (isStopping()) reply.header('Connection', 'close');
    done(null, payload);
  });
  return app;
}

function demandToken(app: FastifyInstance, token: string): void {
  const check = createTokenCheck(token);
  const challenge = 'Bearer realm="tidegauge"';
  app.addHook('onRequest', async ({ headers }) => {
    switch (check(headers.authorization)) {
      case 'right':
        return;
      case 'missing':
        throw new RequestRefusal(401, 'a bearer token is required (Authorization: Bearer …)', {
          'WWW-Authenticate': challenge,
        });
      case 'wrong':
        throw new RequestRefusal(401, 'the bearer token is not the right one', {
          'WWW-Authenticate': `${challenge}, error="invalid_token"`,
        });
    }
  });
}
