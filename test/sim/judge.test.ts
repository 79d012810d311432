/** The judge of the simulation sees what is wrong: each tampering with a faultless run is found. */
import { beforeAll, describe, expect, it } from 'vitest';
import { HEADER, headerBytes, headerText } from '../../services/core/message/header.ts';
import { type Pane, paneCodec } from '../../services/core/message/pane.ts';
import { reportCodec } from '../../services/core/message/report.ts';
import type { BusRecord } from '../../services/platform/bus/bus.ts';
import { judge } from './judge.ts';
import type { RunLogs } from './logs.ts';
import { calmed, type Plan, planOf, WORLDS, type World } from './plan.ts';
import { type Outcome, simulate } from './world.ts';

/** The first seed of each world whose topics do not grow. */
function planIn(world: World): Plan {
  for (let seed = 1; ; seed += 1) {
    const plan = calmed(planOf(seed));
    if (plan.world === world && plan.growsAtEvent === null) return plan;
  }
}

const plan = planIn('replay');
let calm: Outcome;

beforeAll(async () => {
  calm = await simulate(plan);
});

type Log = readonly BusRecord[];

/** The calm run with one topic changed, partition by partition. */
function tampered(topic: keyof RunLogs, change: (log: Log) => Log): Outcome {
  return { ...calm, logs: { ...calm.logs, [topic]: calm.logs[topic].map(change) } };
}

function without(index: number) {
  return (log: Log) => log.filter((_, at) => at !== index);
}

function changedAt(index: number, change: (record: BusRecord) => BusRecord) {
  return (log: Log) => log.map((record, at) => (at === index ? change(record) : record));
}

function isSealed({ value }: BusRecord): boolean {
  return paneCodec.decode(value!).kind === 'sealed';
}

function withPane(record: BusRecord, changes: Partial<Pane>): BusRecord {
  return { ...record, value: paneCodec.encode({ ...paneCodec.decode(record.value!), ...changes }) };
}

describe('the judge', () => {
  it.each(WORLDS)('has nothing to say about a run without faults, world %s', async (world) => {
    const each = planIn(world);
    const outcome = await simulate(each);
    const verdict = judge(each, outcome, await simulate(each));
    expect(verdict.findings).toEqual([]);
    expect(verdict.events).toBeGreaterThanOrEqual(each.eventCount);
    const counted = outcome.logs.panes.flat().filter(isSealed).length;
    expect(counted).toBeGreaterThan(0);
    expect(outcome.logs.alerts.flat().length).toBeGreaterThan(0);
  });

  it('passes over repeats', () => {
    for (const topic of ['valid', 'predictions', 'panes', 'reports', 'alerts'] as const) {
      const twice = tampered(topic, (log) => [...log, ...log.slice(3, 9)]);
      expect(judge(plan, twice, calm).findings).toEqual([]);
    }
  });

  it.each(['valid', 'predictions'] as const)('misses an event in %s', (topic) => {
    expect(judge(plan, tampered(topic, without(5)), calm).lost).toBeGreaterThan(0);
  });

  it('misses an event that a repeat came before', () => {
    const late = tampered('valid', (log) => [...without(5)(log), log[5]!]);
    expect(judge(plan, late, calm).lost).toBeGreaterThan(0);
  });

  it('sees an event that is valid and refused', () => {
    const both = {
      ...calm,
      logs: {
        ...calm.logs,
        quarantine: calm.logs.quarantine.map((log, partition) => {
          const valid = calm.logs.valid[partition]![3]!;
          const headers = { ...valid.headers, [HEADER.errorStage]: headerBytes('validator') };
          return [{ ...valid, headers }, ...log];
        }),
      },
    };
    expect(judge(plan, both, calm).countedTwice).toBeGreaterThan(0);
  });

  it('sees bytes under an origin that is not theirs', () => {
    const swapped = tampered('valid', (log) =>
      changedAt(4, (record) => ({ ...record, value: log[3]!.value }))(log),
    );
    expect(judge(plan, swapped, calm).findings.join()).toContain('other bytes than event');
  });

  it('sees an event counted twice, and one that is not counted', () => {
    for (const [by, kind] of [
      [1, 'countedTwice'],
      [-1, 'lost'],
    ] as const) {
      const index = calm.logs.panes[0]!.findIndex(isSealed);
      const miscounted = tampered('panes', (log) =>
        changedAt(index, (record) =>
          withPane(record, { count: paneCodec.decode(record.value!).count + by }),
        )(log),
      );
      const verdict = judge(plan, miscounted, calm);
      expect(verdict[kind]).toBe(1);
      expect(verdict.differingPanes).toBe(1);
    }
  });

  it('sees a pane that is missing, or said again differently', () => {
    const index = calm.logs.panes[0]!.findIndex(isSealed);
    expect(judge(plan, tampered('panes', without(index)), calm).differingPanes).toBeGreaterThan(0);
    const contradicted = tampered('panes', (log) => [
      ...log,
      withPane(log[index]!, { count: 1_000 }),
    ]);
    expect(judge(plan, contradicted, calm).differingPanes).toBe(1);
  });

  it('sees a report that is missing, differs, or comes under two numbers', () => {
    expect(judge(plan, tampered('reports', without(2)), calm).differingReports).toBeGreaterThan(0);
    const changed = changedAt(2, (record) => {
      const report = reportCodec.decode(record.value!);
      return { ...record, value: reportCodec.encode({ ...report, count: report.count + 1 }) };
    });
    expect(judge(plan, tampered('reports', changed), calm).differingReports).toBe(1);
    const again = tampered('reports', (log) => {
      const report = reportCodec.decode(log[2]!.value!);
      const value = reportCodec.encode({ ...report, sequence: log.length });
      return [...log, { ...log[2]!, value }];
    });
    expect(judge(plan, again, calm).findings.join()).toContain('came under two numbers');
  });

  it('sees an alert that is missing, or has two contents', () => {
    expect(judge(plan, tampered('alerts', without(0)), calm).differingAlerts).toBeGreaterThan(0);
    const twice = tampered('alerts', (log) => {
      const id = headerText(log[0]!.headers, HEADER.alertId)!;
      return [...log, { ...log[1]!, headers: { [HEADER.alertId]: headerBytes(id) } }];
    });
    expect(judge(plan, twice, calm).findings.join()).toContain('with different contents');
  });

  it('sees what is left in the state', () => {
    const left = { ...calm, entriesLeft: [...calm.entriesLeft, 'evaluator panes:0 pane:5'] };
    expect(judge(plan, left, calm).findings.join()).toContain('is left in the state');
  });
});
