/**
 * The Open Inference Protocol over HTTP (KServe's "Predict Protocol, version 2"), as a set of routes:
 *
 * - `GET  /v2`, `/v2/health/live`, `/v2/health/ready`
 * - `GET  /v2/models/{name}[/versions/{version}][/ready]`
 * - `POST /v2/models/{name}[/versions/{version}]/infer`
 *
 * Readiness is 200 for true and 400 for false, as the protocol has it. An inference request whose
 * path or headers cannot be right is refused before its body is read.
 */
import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { InferenceBackend } from './inference-backend.ts';
import { BodyRoom, checkBodyHeaders } from './inference-body.ts';
import { inferInTime } from './inference-call.ts';
import { RequestRefusal } from './inference-error.ts';
import { createModelCatalogue, type ModelCatalogue } from './inference-models.ts';
import { parseInferenceRequest } from './inference-request.ts';
import { encodeInferenceResponse, encodeModelMetadata } from './inference-response.ts';

export interface InferenceRoutesOptions {
  readonly backend: InferenceBackend;
  /** Of tidegauge, as `GET /v2` tells it. */
  readonly version: string;
  readonly bodyBytesMax: number;
}

/** Bodies of all open requests together, as so many of the largest allowed. */
const OPEN_BODIES_MAX = 8;

interface ModelRoute {
  Params: { readonly name: string; readonly version?: string };
}

type ModelRequest = FastifyRequest<ModelRoute>;

export function addInferenceRoutes(app: FastifyInstance, options: InferenceRoutesOptions): void {
  const { backend, bodyBytesMax, version } = options;
  const models = createModelCatalogue(backend);
  const bodyRoom = new BodyRoom({ bodyBytesMax, openBodiesMax: OPEN_BODIES_MAX });

  function read(path: string, answer: (request: ModelRequest) => readonly [number, string]): void {
    app.get<ModelRoute>(path, (request, reply) => {
      const [status, body] = answer(request);
      return sendJson(reply.code(status), body);
    });
    refuseOtherMethods(app, path, ['GET', 'HEAD']);
  }

  read('/v2', () => [200, json({ name: 'tidegauge', version, extensions: [] })]);
  read('/v2/health/live', () => [200, json({ live: true })]);
  // The protocol's document calls this member `live`, its implementations `ready`.
  read('/v2/health/ready', () => readiness(backend.ready(), { live: backend.ready() }));

  for (const path of ['/v2/models/:name', '/v2/models/:name/versions/:version']) {
    read(path, ({ params }) => {
      const { description } = models.find(params);
      return [200, encodeModelMetadata(backend.name, models.versions(), description)];
    });
    read(`${path}/ready`, ({ params }) =>
      readiness(models.isReady(params) && backend.ready(), { name: backend.name }),
    );
    app.post<ModelRoute>(
      `${path}/infer`,
      {
        onRequest: async ({ headers, params }, reply) => {
          models.findReady(params);
          checkBodyHeaders(headers);
          reply.raw.once('close', bodyRoom.take(headers));
        },
      },
      async (request, reply) => sendJson(reply, await infer(backend, models, request, reply)),
    );
    refuseOtherMethods(app, `${path}/infer`, ['POST']);
  }
}

/** Versions may have changed while the body came in: it is read against those that are there now. */
async function infer(
  backend: InferenceBackend,
  models: ModelCatalogue,
  { body, params }: ModelRequest,
  reply: FastifyReply,
): Promise<string> {
  const { description } = models.findReady(params);
  const { batch, deadlineMs, id, outputs } = parseInferenceRequest(body, description);
  const answer = await inferInTime(backend, reply.raw, {
    version: params.version ?? null,
    id: id ?? randomUUID(),
    batch,
    deadlineMs,
  });
  return encodeInferenceResponse({
    model: backend.name,
    version: answer.version,
    id,
    rowCount: batch.rowCount,
    outputs: answer.outputs,
    asked: outputs,
    description: models.describe(answer.version) ?? description,
  });
}

function refuseOtherMethods(app: FastifyInstance, path: string, allowed: readonly string[]): void {
  const Allow = allowed.join(', ');
  app.route({
    method: app.supportedMethods.filter((method) => !allowed.includes(method)),
    url: path,
    onRequest: async ({ method }) => {
      throw new RequestRefusal(405, `method ${method} is not allowed, expected ${Allow}`, {
        Allow,
      });
    },
    handler: () => {},
  });
}

function readiness(ready: boolean, also: object): readonly [number, string] {
  return [ready ? 200 : 400, json({ ...also, ready })];
}

function json(value: object): string {
  return `${JSON.stringify(value)}\n`;
}

function sendJson(reply: FastifyReply, text: string): FastifyReply {
  return reply.type('application/json').send(text);
}
