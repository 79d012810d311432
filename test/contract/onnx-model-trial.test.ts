/**
 * The process in which a model file is tried, with real processes: what it hears of this one, and files
 * that it dies of, does not come back from, or that are others a moment later.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { INLINE_OPEN_MS_MAX } from '../../services/core/limits.ts';
import type { LoadOptions } from '../../services/platform/model/model-runtime.ts';
import { createOnnxModelRuntime } from '../../services/platform/model/onnx-model-runtime.ts';
import { createModelFixture, type ModelFixture, outputsOf } from '../support/model-fixture.ts';
import { compileModelWorkerEntry, type ModelWorkerEntry } from '../support/model-worker-entry.ts';
import { sineBatch, sineModel } from '../support/sine-model.ts';

const STUCK_MS = 300;

let entry: ModelWorkerEntry;
beforeAll(() => {
  entry = compileModelWorkerEntry();
});
afterAll(() => entry.remove());
afterEach(() => vi.unstubAllEnvs());

/** A process that does this when it is asked, `request` being what it is asked. */
function writeTrial(name: string, onRequest: string): URL {
  const file = join(entry.directory, `${name}.js`);
  writeFileSync(
    file,
    `process.once('message', (request) => { ${onRequest} });
     process.on('disconnect', () => process.exit());`,
  );
  return pathToFileURL(file);
}

/** The real one, which does this before it says what it found, `reply`, of `file`. */
function writeRealTrial(name: string, onTried: string): URL {
  const file = join(entry.directory, `${name}.js`);
  writeFileSync(
    file,
    `import { appendFileSync } from 'node:fs';
     await import(${JSON.stringify(entry.trial.href)});
     const send = process.send.bind(process);
     let file;
     process.once('message', (request) => { file = request.file; });
     process.send = (reply, done) => {
       if (reply.kind === 'tried') { ${onTried} }
       return send(reply, done);
     };`,
  );
  return pathToFileURL(file);
}

function fixtureOf(trialEntry: URL, placement: LoadOptions['placement']): ModelFixture {
  const runtime = createOnnxModelRuntime({
    workerEntry: entry.url,
    trialEntry,
    stuckMs: STUCK_MS,
  });
  return createModelFixture(runtime, { placement, workerCount: 1, threadCount: 1, rowsMax: 16 });
}

/** The reason of the refusal. */
async function refusalBy(trialEntry: URL): Promise<string> {
  const fixture = fixtureOf(trialEntry, 'inline');
  try {
    const load = fixture.load(fixture.write('tried', sineModel(1)));
    const error = await load.then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({
      code: 'configuration.model',
      message: expect.stringContaining('tried.onnx: '),
    });
    return (error as Error).message;
  } finally {
    fixture.remove();
  }
}

describe('the trial of a model', () => {
  it('says what the process died of, and that it did so before any run', async () => {
    const dying = writeTrial(
      'dying',
      `process.stderr.write('out of bounds', () => process.kill(process.pid, 'SIGABRT'));`,
    );
    expect(await refusalBy(dying)).toMatch(
      /the process it is tried in ended with SIGABRT during the opening: out of bounds/,
    );
  });

  it('says during which run it died', async () => {
    const dying = writeTrial(
      'dying-in-a-run',
      `process.send({ kind: 'running', rowCount: 8 }, () => process.kill(process.pid, 'SIGSEGV'));`,
    );
    expect(await refusalBy(dying)).toMatch(/ended with SIGSEGV during a run over 8 blank rows$/);
  });

  it('ends a process that does not come back from a run, which blocks it', async () => {
    const hanging = writeTrial(
      'hanging',
      `process.send({ kind: 'running', rowCount: 2 }, () => { for (;;); });`,
    );
    const reason = await refusalBy(hanging);
    expect(reason).toMatch(`a run over 2 blank rows is not over after ${STUCK_MS} ms`);
  });

  it('gives every run of its own the time', async () => {
    const slow = writeTrial(
      'slow',
      `let rowCount = 0;
       const timer = setInterval(() => {
         process.send({ kind: 'running', rowCount: ++rowCount });
         if (rowCount < 8) return;
         clearInterval(timer);
         process.send({ kind: 'refused', code: 'configuration.model', message: 'tried.onnx: after ' + rowCount });
         process.disconnect();
       }, ${STUCK_MS / 3});`,
    );
    expect(await refusalBy(slow)).toBe('tried.onnx: after 8');
  });

  it('that cannot be begun is a refusal with what it printed', async () => {
    const absent = pathToFileURL(join(entry.directory, 'absent.js'));
    expect(await refusalBy(absent)).toMatch(/ended with code 1 during the opening: .*absent\.js/s);
  });

  it('sees nothing of the environment but where libraries lie', async () => {
    vi.stubEnv('KAFKA_SASL_PASSWORD', 'a-secret');
    vi.stubEnv('LD_LIBRARY_PATH', '/where/libraries/lie');
    const telling = writeTrial(
      'telling',
      `const message = 'tried.onnx: ' + JSON.stringify([process.env, process.argv.slice(2), process.execArgv]);
       process.send({ kind: 'refused', code: 'configuration.model', message });
       process.disconnect();`,
    );
    const told = await refusalBy(telling);
    expect(told).not.toContain('a-secret');
    expect(told).toContain('"LD_LIBRARY_PATH":"/where/libraries/lie"');
    expect(told).toMatch(/,\[\],\[\]\]$/);
  });

  it('does not hold for a file that was another then', async () => {
    // An empty doc_string: the same model in other bytes.
    const replacing = writeRealTrial('replacing', `appendFileSync(file, Buffer.from([0x32, 0]));`);
    expect(await refusalBy(replacing)).toMatch(/replaced while it was loaded$/);
  });

  it.each([
    [INLINE_OPEN_MS_MAX, 'inline'],
    [INLINE_OPEN_MS_MAX + 1, 'workers'],
  ])(
    'of a model that takes %d ms to open sends it, however light, %s',
    async (openMs, placement) => {
      const told = writeRealTrial('told', `reply.trial.openMs = ${openMs};`);
      const fixture = fixtureOf(told, 'auto');
      await fixture.withModel(sineModel(1), async (model) => {
        expect(model.placement).toBe(placement);
        expect(model.isInlineable).toBe(placement === 'inline');
        await model.place('inline');
        expect((await outputsOf(model, sineBatch(2))).get('v1')!.width).toBe(1_000);
      });
      fixture.remove();
    },
  );
});
