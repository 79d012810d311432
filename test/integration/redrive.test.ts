/**
 * A rule that is wrong, and its repair, against a real Kafka and a real Redis: what `tidegauge up` had
 * refused for it comes out valid exactly once after `tidegauge redrive`, and stays so when it is asked
 * again. What is really bad stays in quarantine.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { predictionCodec } from '../../services/core/message/prediction.ts';
import { createKafkaBus } from '../../services/platform/bus/kafka-bus.ts';
import { createSystemClock } from '../../services/platform/clock/system-clock.ts';
import { createMemoryTelemetry } from '../../services/platform/telemetry/memory-telemetry.ts';
import { creditStream, type OwnBundle, ownCreditBundle } from '../support/credit-stream.ts';
import { consumeAll, describeWithKcat, type KcatRecord, produceLines } from '../support/kcat.ts';
import { describeWithKafkaAndRedis } from '../support/require-real.ts';
import { type Running, startTidegauge, tidegauge } from '../support/tidegauge.ts';

const EVENT_COUNT = 1_200;
const PARTITION_COUNT = 3;
const WAIT_MS = 60_000;
const RIGHT = 'applicant.age: { type: numeric, required: true, range: [18, 120] }';
const WRONG = 'applicant.age: { type: numeric, required: true, range: [18, 40] }';

describeWithKafkaAndRedis('tidegauge redrive', ({ brokers, redisUrl }) => {
  describeWithKcat('as kcat sees it', () => {
    let bundle: OwnBundle;
    let running: Running;
    const topicRecords = (what: string) => consumeAll(brokers, bundle.topic(what));
    const servers = ['--brokers', brokers, '--redis', redisUrl];

    const start = async () => {
      const named = ['--bundle', bundle.directory, ...servers];
      running = startTidegauge(['up', ...named, '--http', '127.0.0.1:0', '--json'], {
        LOG_LEVEL: 'warn',
      });
      expect(await running.firstLine()).toMatchObject({ state: 'ready' });
    };
    const redrive = async (...options: readonly string[]) => {
      const done = await tidegauge([
        ...['redrive', '--bundle', bundle.directory, ...servers, '--json'],
        ...options,
      ]);
      expect(done.stderr).not.toContain('tidegauge:');
      expect(done.code).toBe(0);
      return done.json();
    };
    const until = async (what: string, count: number): Promise<readonly KcatRecord[]> => {
      const deadline = performance.now() + WAIT_MS;
      for (;;) {
        const records = await topicRecords(what);
        if (records.length >= count || performance.now() > deadline) return records;
        await new Promise((resolve) => setTimeout(resolve, 250));
      }
    };
    const rewrite = async (from: string, to: string) => {
      const file = join(bundle.directory, 'monitor.yaml');
      const text = await readFile(file, 'utf8');
      expect(text).toContain(from);
      await writeFile(file, text.replace(from, to));
    };

    beforeAll(async () => {
      bundle = await ownCreditBundle();
      await rewrite(RIGHT, WRONG);
      const bus = createKafkaBus({
        brokers: brokers.split(','),
        clientId: 'test',
        clock: createSystemClock(),
        logger: createMemoryTelemetry().logger('test'),
      });
      await bus.ensureTopics([{ topic: bundle.topic('events'), partitionCount: PARTITION_COUNT }]);
      await bus.close();
    });

    afterAll(async () => {
      running?.process.kill('SIGKILL');
      await bundle?.remove();
    });

    it(
      'brings every event that a wrong rule had refused to valid, once',
      async () => {
        const stream = await creditStream({ count: EVENT_COUNT, driftStartMs: null });
        const good = stream.records.filter(({ json }) => json !== null);
        const bad = good.slice(0, 5).map(({ json }, index) => {
          const event = JSON.parse(json!) as { applicant: object };
          const applicant = { ...event.applicant, age: 200 + index };
          return `bad-${index}\t${JSON.stringify({ ...event, applicant })}`;
        });
        await start();
        const lines = good.map(({ key, json }) => `${key}\t${json}`);
        await produceLines(brokers, bundle.topic('events'), [...lines, ...bad]);
        const tooOld = good.filter(({ json }) => {
          const { applicant } = JSON.parse(json!) as { applicant: { age: number } };
          return applicant.age > 40;
        });
        expect(tooOld.length).toBeGreaterThan(100);
        await until('quarantine', tooOld.length + bad.length);
        expect(await until('predictions', good.length - tooOld.length)).toHaveLength(
          good.length - tooOld.length,
        );
        expect(await running.stop()).toBe(0);

        await rewrite(WRONG, RIGHT);
        const range = ['--rule', 'invariant.range'];
        const tried = await redrive('--dry-run', ...range);
        expect(tried).toMatchObject({
          ...{ dryRun: true, end: 'done', redriven: 0, foreign: 0 },
          ...{ selected: tooOld.length + bad.length, wouldBeValid: tooOld.length },
          wouldBeRefused: { 'invariant.range': bad.length },
          byRule: [{ rule: 'invariant.range', stage: 'validator', class: 'invariant' }],
        });
        expect(await topicRecords('events')).toHaveLength(good.length + bad.length);

        await start();
        expect(await redrive(...range)).toMatchObject({
          ...{ end: 'done', selected: tooOld.length + bad.length },
          ...{ redriven: tooOld.length + bad.length, recovered: 0 },
        });
        const predictions = await until('predictions', good.length);
        const quarantine = await until('quarantine', tooOld.length + 2 * bad.length);
        expect(await running.stop()).toBe(0);

        const ids = predictions.map(({ value }) => predictionCodec.decode(value).id);
        expect(ids.toSorted()).toEqual(good.map(({ key }) => key).toSorted());
        const valid = await topicRecords('valid');
        expect(valid.map(({ key }) => key).toSorted()).toEqual(ids.toSorted());
        const redriven = valid.filter(({ headers }) => 'tg-redrive' in headers);
        expect(redriven.map(({ key }) => key).toSorted()).toEqual(
          tooOld.map(({ key }) => key).toSorted(),
        );
        const partitions = new Map(quarantine.map(({ key, partition }) => [key, partition]));
        for (const { key, partition, headers } of redriven) {
          expect(partition).toBe(partitions.get(key));
          expect(headers['tg-redrive']).toMatch(/\.quarantine:\d:\d+$/);
          expect(headers).toMatchObject({
            'tg-redrive-stage': 'validator',
            'tg-error-attempt': '1',
          });
        }
        expect(
          quarantine.filter(({ headers }) => headers['tg-error-attempt'] === '2'),
        ).toHaveLength(bad.length);

        const capped = ['--attempts', '2'];
        expect(await redrive(...range, ...capped)).toMatchObject({
          ...{ redriven: 0, recovered: 0 },
          skipped: { redriven: tooOld.length + bad.length, attempts: bad.length },
        });
        expect(await topicRecords('events')).toHaveLength(
          good.length + tooOld.length + 2 * bad.length,
        );
      },
      4 * WAIT_MS,
    );
  });
});
