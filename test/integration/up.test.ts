/**
 * `tidegauge up` against a real Kafka and a real Redis, with kcat as the user: it sends JSON and
 * Avro, good and bad, and reads predictions, quarantine, reports and alerts back. Counts must agree,
 * also over a restart.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { predictionCodec } from '../../services/core/message/prediction.ts';
import { reportCodec } from '../../services/core/message/report.ts';
import { createKafkaBus } from '../../services/platform/bus/kafka-bus.ts';
import { createSystemClock } from '../../services/platform/clock/system-clock.ts';
import { createMemoryTelemetry } from '../../services/platform/telemetry/memory-telemetry.ts';
import {
  CREDIT_START_MS,
  creditStream,
  type OwnBundle,
  ownCreditBundle,
} from '../support/credit-stream.ts';
import { consumeAll, describeWithKcat, produceFiles, produceLines } from '../support/kcat.ts';
import { describeWithKafkaAndRedis } from '../support/require-real.ts';
import { type Running, startTidegauge, tidegauge } from '../support/tidegauge.ts';

const EVENT_COUNT = 7_200;
const DRIFT_START_MS = CREDIT_START_MS + 15 * 60_000;
const WAIT_MS = 60_000;

describeWithKafkaAndRedis('tidegauge up', ({ brokers, redisUrl }) => {
  describeWithKcat('as kcat sees it', () => {
    let bundle: OwnBundle;
    let folder: string;
    let running: Running;

    const start = async () => {
      const { directory } = bundle;
      running = startTidegauge(
        [
          'up',
          '--bundle',
          directory,
          '--brokers',
          brokers,
          '--redis',
          redisUrl,
          '--http',
          '127.0.0.1:0',
          '--infer',
          '127.0.0.1:0',
          '--json',
        ],
        { LOG_LEVEL: 'warn' },
      );
      return running.firstLine();
    };

    const until = async <T>(read: () => Promise<T>, holds: (value: T) => boolean): Promise<T> => {
      const deadline = performance.now() + WAIT_MS;
      for (;;) {
        const value = await read();
        if (holds(value) || performance.now() > deadline) return value;
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    };

    const topicRecords = (what: string) => consumeAll(brokers, bundle.topic(what));

    beforeAll(async () => {
      bundle = await ownCreditBundle();
      folder = await mkdtemp(join(tmpdir(), 'tidegauge-kcat-'));
      const bus = createKafkaBus({
        brokers: brokers.split(','),
        clientId: 'test',
        clock: createSystemClock(),
        logger: createMemoryTelemetry().logger('test'),
      });
      await bus.ensureTopics([{ topic: bundle.topic('events'), partitionCount: 3 }]);
      await bus.close();
    });

    afterAll(async () => {
      running?.process.kill('SIGKILL');
      await bundle?.remove();
      await rm(folder, { recursive: true, force: true });
    });

    it(
      'counts what was sent, alerts on the drift, and goes on where it was after a restart',
      async () => {
        const stream = await creditStream({ count: EVENT_COUNT, driftStartMs: DRIFT_START_MS });
        const half = EVENT_COUNT / 2;
        const ready = await start();
        expect(ready).toMatchObject({ state: 'ready' });

        await send(stream.records.slice(0, half));
        const firstGood = stream.records
          .slice(0, half)
          .filter((record) => record.json !== null).length;
        await until(
          () => topicRecords('predictions'),
          (records) => records.length >= firstGood,
        );
        expect(await running.stop()).toBe(0);

        const addresses = await start();
        const address = addresses.http as string;
        await send(stream.records.slice(half));
        const predictions = await until(
          () => topicRecords('predictions'),
          (records) => records.length >= stream.goodCount,
        );
        const quarantine = await until(
          () => topicRecords('quarantine'),
          (records) => records.length >= stream.badCount,
        );
        // 30 minutes of events, lateness of one: five windows are complete.
        const reports = await until(
          async () =>
            (await topicRecords('reports')).map((record) => reportCodec.decode(record.value)),
          (decoded) => decoded.filter((report) => report.slice === '').length >= 5,
        );
        const alerts = await until(
          async () =>
            (await topicRecords('alerts')).map((record) => JSON.parse(record.value.toString())),
          (events) => events.length >= 1,
        );

        expect(predictions).toHaveLength(stream.goodCount);
        expect(quarantine).toHaveLength(stream.badCount);
        const ids = predictions.map((record) => predictionCodec.decode(record.value).id);
        const sent = stream.records
          .filter((record) => record.json !== null)
          .map((record) => record.key);
        expect(ids.toSorted()).toEqual(sent.toSorted());
        expect(new Set(predictions.map((record) => record.headers['tg-origin'])).size).toBe(
          ids.length,
        );

        for (const { headers } of quarantine) {
          expect(headers).toMatchObject({
            'tg-error-stage': 'validator',
            'tg-error-class': expect.stringMatching(/^(decode|schema|time|invariant)$/),
            'tg-error-rule': expect.stringMatching(/^[a-z]+\.[a-z-]+$/),
            'tg-error-message': expect.stringMatching(/./),
            'tg-error-origin': expect.stringMatching(/\.events:\d:\d+$/),
            'tg-error-attempt': '1',
          });
        }
        const sentBad = stream.records.flatMap((record) =>
          record.bytes === null ? [] : [Buffer.from(record.bytes).toString('hex')],
        );
        expect(quarantine.map((record) => record.value.toString('hex')).toSorted()).toEqual(
          sentBad.toSorted(),
        );

        const whole = reports.filter((report) => report.slice === '');
        const inWindow = (startMs: number, endMs: number) =>
          stream.records.filter((record) => {
            if (record.json === null) return false;
            const { submittedAt } = JSON.parse(record.json) as { submittedAt: number };
            return submittedAt >= startMs && submittedAt < endMs;
          }).length;
        for (const report of whole) {
          expect(report.count).toBe(inWindow(report.windowStartMs, report.windowEndMs));
        }
        expect(whole.map((report) => report.verdict)).toEqual(['ok', 'ok', 'ok', 'drift', 'drift']);
        const drifting = whole.at(-1)!.columns.filter((column) => column.verdict === 'drift');
        expect(drifting.map((column) => column.name)).toEqual(['applicant.age']);

        expect(alerts).toHaveLength(1);
        expect(alerts[0]).toMatchObject({
          specversion: '1.0',
          type: 'tidegauge.alert.v1',
          data: {
            rule: 'column-drift',
            column: 'applicant.age',
            state: 'firing',
            windowStart: '2026-03-02T00:15:00.000Z',
            windowEnd: '2026-03-02T00:20:00.000Z',
          },
        });

        const asked = ['rollout', 'status', '--bundle', bundle.directory, '--brokers', brokers];
        const status = await tidegauge([...asked, '--json']);
        expect(status.code, status.stderr).toBe(0);
        expect(status.json()).toMatchObject({
          plan: [{ role: 'primary', version: '1', share: 1 }],
          comparison: {
            predictions: stream.goodCount,
            comparedWith: '1',
            versions: [
              { version: '1', count: stream.goodCount, variants: { primary: stream.goodCount } },
            ],
            fallbacks: [],
            shadows: [],
          },
        });
        await expectSameOverHttp(addresses.inference as string, stream.records, predictions);

        expect((await fetch(`${address}/readyz`)).status).toBe(200);
        expect((await fetch(`${address}/livez`)).status).toBe(200);
        const metrics = await (await fetch(`${address}/metrics`)).text();
        const secondGood = stream.goodCount - firstGood;
        expect(metrics).toMatch(
          new RegExp(
            `^tidegauge_validator_events_total\\{[^}]*outcome="valid"[^}]*\\} ${secondGood}$`,
            'm',
          ),
        );
        expect(await running.stop()).toBe(0);
        expect(running.stdout().trimEnd().split('\n').at(-1)).toContain('"state":"stopped"');
      },
      4 * WAIT_MS,
    );

    /** Whoever calls the model over HTTP gets what the events got; the body is written by the protocol. */
    async function expectSameOverHttp(
      address: string,
      records: Awaited<ReturnType<typeof creditStream>>['records'],
      predictions: Awaited<ReturnType<typeof topicRecords>>,
    ): Promise<void> {
      const said = new Map(
        predictions.slice(0, 50).map(({ value }) => {
          const { id, rawOutputs } = predictionCodec.decode(value);
          return [id, rawOutputs[0]!];
        }),
      );
      const asked = records.filter(({ key, json }) => json !== null && said.has(key));
      const data = asked.map(({ json }) => {
        const { applicant, loan, utilisation } = JSON.parse(json!);
        return [applicant.age, applicant.income, loan.amount, loan.termMonths, utilisation ?? null];
      });
      const features = { name: 'features', shape: [data.length, 5], datatype: 'FP32', data };
      const answer = await fetch(`${address}/v2/models/${bundle.monitor}/infer`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ id: 'forty-two', inputs: [features] }),
      });
      const body = (await answer.json()) as { outputs: { name: string; data: number[] }[] };
      expect(answer.status, JSON.stringify(body).slice(0, 500)).toBe(200);
      expect(body).toMatchObject({
        model_name: bundle.monitor,
        model_version: '1',
        id: 'forty-two',
      });
      const output = body.outputs.find(({ name }) => name === 'output_probability');
      expect(output).toMatchObject({ datatype: 'FP32', shape: [asked.length, 2] });
      for (const [row, { key }] of asked.entries()) {
        expect(output!.data[2 * row + 1]).toBeCloseTo(said.get(key)!, 6);
      }
    }

    /** Mostly JSON lines; the last hundred good ones as Avro, each a file; bad ones as files. */
    async function send(
      records: Awaited<ReturnType<typeof creditStream>>['records'],
    ): Promise<void> {
      const good = records.filter((record) => record.json !== null);
      const avroFrom = good.length - 100;
      await produceLines(
        brokers,
        bundle.topic('events'),
        good.slice(0, avroFrom).map((record) => `${record.key}\t${record.json}`),
      );
      const asFiles = [
        ...records.filter((record) => record.bytes !== null),
        ...good.slice(avroFrom),
      ];
      const files = await Promise.all(
        asFiles.map(async (record) => {
          const file = join(folder, record.key);
          await writeFile(file, record.bytes ?? record.avro!);
          return file;
        }),
      );
      await produceFiles(brokers, bundle.topic('events'), files);
    }
  });
});
