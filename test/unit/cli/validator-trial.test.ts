/** What the validator would say of an event that a redrive has not sent yet. */
import { describe, expect, it } from 'vitest';
import { createValidatorTrial } from '../../../services/cli/validator-trial.ts';
import type { OutgoingRecord } from '../../../services/core/message/record.ts';
import { LIVE_RUN } from '../../../services/core/message/topics.ts';
import { createVirtualClock } from '../../../services/platform/clock/virtual-clock.ts';
import { EVENT_SCHEMA, jsonRecord, stationMonitor } from '../../support/embedded-run.ts';

const MONITOR = stationMonitor({ futureSkewMs: 60_000 });

function trialAt(nowMs: number, fetched: number[] = []) {
  const monitor = {
    ...MONITOR,
    columns: MONITOR.columns.map((column) => ({ ...column, required: true })),
  };
  const schemaSource = {
    fetch: async (id: number) => {
      fetched.push(id);
      return id === 7 ? EVENT_SCHEMA : null;
    },
    close: async () => undefined,
  };
  return createValidatorTrial(
    { clock: createVirtualClock(nowMs), schemaSource },
    { monitor, run: LIVE_RUN, eventSchema: EVENT_SCHEMA, writerSchemas: [], reference: null },
  );
}

function outgoing(event: object): OutgoingRecord {
  return { ...jsonRecord(event), topic: MONITOR.topics.events, partition: 2 };
}

const event = { id: 'a', at: 500_000, level: 1, station: 'Brest' };

describe('a trial', () => {
  it('says of each event in turn what would refuse it', async () => {
    const empty = { ...outgoing(event), value: null };
    const tried = await trialAt(500_000)([
      outgoing(event),
      outgoing({ ...event, level: null }),
      empty,
      outgoing({ ...event, id: '' }),
    ]);
    expect(tried).toEqual([null, 'invariant.required', 'decode.empty', 'invariant.id']);
  });

  it('measures the future skew against the time of sending', async () => {
    expect(await trialAt(400_000)([outgoing(event)])).toEqual(['time.future']);
    expect(await trialAt(440_000)([outgoing(event)])).toEqual([null]);
  });

  it('asks for writer schemas before it decides', async () => {
    const fetched: number[] = [];
    const datum = (id: number) => ({ ...outgoing(event), value: Uint8Array.of(0, 0, 0, 0, id, 0) });
    const tried = await trialAt(500_000, fetched)([datum(7), datum(8)]);
    expect(fetched).toEqual([7, 8]);
    expect(tried[1]).toBe('decode.unknown-schema');
    expect(tried[0]).toMatch(/^decode\./);
    expect(tried[0]).not.toBe('decode.unknown-schema');
  });
});
