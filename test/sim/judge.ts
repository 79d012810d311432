/**
 * The judge: what became of every event, and whether the run wrote what a calm run of the same events
 * writes, repeats aside.
 *
 * In every world each event ends in exactly one place and is counted in exactly one pane, and sealed
 * and late panes have the bytes of the calm run. Reports and alerts have them too, unless silence or a
 * partition that is new decides which windows wait for whom; then each is still said once.
 */
import { createHash } from 'node:crypto';
import { HEADER, headerText } from '../../services/core/message/header.ts';
import { originOf } from '../../services/core/message/origin.ts';
import { type Pane, type PaneSource, paneCodec } from '../../services/core/message/pane.ts';
import { predictionCodec } from '../../services/core/message/prediction.ts';
import { reportCodec } from '../../services/core/message/report.ts';
import type { BusRecord } from '../../services/platform/bus/bus.ts';
import { Judgement, type Verdict } from './judgement.ts';
import { advancing, eventsAlone, nameOf, type RunLogs, refusedBy } from './logs.ts';
import { CLOSING_TIME_MS } from './oracle.ts';
import type { Plan } from './plan.ts';
import type { Outcome } from './world.ts';

export function judge(plan: Plan, found: Outcome, calm: Outcome): Verdict {
  const judgement = new Judgement();
  judgeFates(judgement, found.logs);
  judgeCounts(judgement, found.logs);
  judgePanes(judgement, found.logs, calm.logs);
  const isExact = plan.world !== 'silent' && plan.growsAtEvent === null;
  judgeReports(judgement, found.logs, isExact ? calm.logs : null);
  judgeAlerts(judgement, found.logs, isExact ? calm.logs : null);
  if (isExact) judgeEntries(judgement, found.entriesLeft, calm.entriesLeft);
  if (plan.world === 'replay') judgeLeftovers(judgement, found.entriesLeft);
  return judgement.verdict(found.logs.events.flatMap(eventsAlone).length);
}

/** Of every event one place: valid or refused; of every valid one: predicted or refused. */
function judgeFates(judgement: Judgement, logs: RunLogs): void {
  logs.events.forEach((events, partition) => {
    const valid = eventsAlone(advancing(logs.valid[partition] ?? []));
    const quarantined = logs.quarantine[partition] ?? [];
    const predicted = eventsAlone(advancing(logs.predictions[partition] ?? []));
    judgePlaces(judgement, eventsAlone(events), [valid, refusedBy('validator', quarantined)]);
    judgePlaces(judgement, valid, [predicted, refusedBy('inference-worker', quarantined)]);
    judgeContents(judgement, events, valid);
  });
}

function judgePlaces(
  judgement: Judgement,
  issued: readonly BusRecord[],
  places: readonly (readonly BusRecord[])[],
): void {
  const due = new Set(issued.map((record) => nameOf(originOf(record))));
  const seen = new Map<string, number>();
  for (const record of places.flat()) {
    const name = nameOf(originOf(record));
    seen.set(name, (seen.get(name) ?? 0) + 1);
    if (!due.has(name)) judgement.repeat(1, `${record.topic} holds ${name}, which nobody issued`);
  }
  const topics = places.map((place) => place[0]?.topic).join(' and ');
  for (const name of due) {
    const count = seen.get(name) ?? 0;
    if (count === 0) judgement.lose(1, `${name} is in none of ${topics}`);
    if (count > 1) judgement.repeat(count - 1, `${name} is in ${topics} ${count} times`);
  }
}

/** Nobody's bytes under somebody else's origin. */
function judgeContents(
  judgement: Judgement,
  events: readonly BusRecord[],
  valid: readonly BusRecord[],
): void {
  for (const record of valid) {
    const { offset } = originOf(record);
    const issued = events[offset]?.value;
    if (issued === undefined || issued === null || record.value === null) continue;
    if (Buffer.compare(issued, record.value) !== 0) {
      judgement.find(`${record.topic} holds other bytes than event ${nameOf(originOf(record))}`);
    }
  }
}

/** Sealed and late panes together hold every event before the closing one, once. */
function judgeCounts(judgement: Judgement, logs: RunLogs): void {
  const panes = panesOf(logs).map(({ pane }) => pane);
  const sources: Record<PaneSource, readonly number[]> = {
    events: logs.valid.map((log) => sealable(log, eventTimeOf)),
    predictions: logs.predictions.map((log) => sealable(log, predictionTimeOf)),
  };
  for (const source of ['events', 'predictions'] as const) {
    sources[source].forEach((due, partition) => {
      const counted = panes
        .filter((pane) => pane.source === source && pane.partition === partition)
        .filter((pane) => pane.slice === '' && isComplete(pane))
        .reduce((sum, pane) => sum + pane.count, 0);
      const sentence = `panes of ${source}:${partition} count ${counted} of ${due}`;
      if (counted < due) judgement.lose(due - counted, sentence);
      if (counted > due) judgement.repeat(counted - due, sentence);
    });
  }
}

function sealable(log: readonly BusRecord[], timeOf: (record: BusRecord) => number): number {
  return eventsAlone(advancing(log)).filter((record) => timeOf(record) < CLOSING_TIME_MS).length;
}

function eventTimeOf({ value }: BusRecord): number {
  return (JSON.parse(Buffer.from(value!).toString('utf8')) as { at: number }).at;
}

function predictionTimeOf({ value }: BusRecord): number {
  return predictionCodec.decode(value!).eventTimeMs;
}

function isComplete({ kind }: Pane): boolean {
  return kind === 'sealed' || kind === 'late';
}

interface NumberedPane {
  readonly pane: Pane;
  readonly value: Uint8Array;
}

/** Panes in order of their sequence, contributor by contributor, without repeats. */
function panesOf(logs: RunLogs, judgement?: Judgement): readonly NumberedPane[] {
  const byContributor = new Map<string, NumberedPane[]>();
  for (const { value } of logs.panes.flat()) {
    const pane = paneCodec.decode(value!);
    const contributor = `${pane.source}:${pane.partition}`;
    byContributor.set(contributor, [
      ...(byContributor.get(contributor) ?? []),
      { pane, value: value! },
    ]);
  }
  return [...byContributor.keys()].sort().flatMap((contributor) =>
    inSequence(byContributor.get(contributor)!, {
      sequenceOf: ({ pane }) => pane.sequence,
      bytesOf: ({ value }) => value,
      onFault: (sentence) => judgement?.differ('panes', `panes of ${contributor}: ${sentence}`),
    }),
  );
}

/**
 * The bytes of a sealed pane depend on its partition's records alone, once its number is left out:
 * silence may say `open` and `idle` in between, which are numbered too.
 */
function judgePanes(judgement: Judgement, found: RunLogs, calm: RunLogs): void {
  const digests = (panes: readonly NumberedPane[]) =>
    panes
      .filter(({ pane }) => isComplete(pane))
      .map(({ pane }) => {
        const { source, partition, kind, startMs, slice, count } = pane;
        const digest = digestOf(paneCodec.encode({ ...pane, sequence: 0 }));
        return `${source}:${partition} ${kind} ${startMs} '${slice}' of ${count} (${digest})`;
      });
  judgement.differences('panes', {
    found: digests(panesOf(found, judgement)),
    calm: digests(panesOf(calm)),
  });
}

function judgeReports(judgement: Judgement, found: RunLogs, calm: RunLogs | null): void {
  const reports = reportsOf(found, (sentence) => judgement.differ('reports', sentence));
  const seen = new Set<string>();
  for (const { value } of reports) {
    const report = reportCodec.decode(value!);
    const name = `${report.id} revision ${'revision' in report ? report.revision : 0}`;
    if (seen.has(name)) judgement.differ('reports', `report ${name} came under two numbers`);
    seen.add(name);
  }
  if (calm === null) return;
  const digests = (records: readonly BusRecord[]) =>
    records.map(({ value }) => {
      const { windowStartMs, windowEndMs, slice, baseline, count } = reportCodec.decode(value!);
      const of = `${windowStartMs}-${windowEndMs} '${slice}' against ${baseline} of ${count}`;
      return `${of} (${digestOf(value)})`;
    });
  judgement.differences('reports', {
    found: digests(reports),
    calm: digests(reportsOf(calm)),
  });
}

function reportsOf(
  logs: RunLogs,
  onFault: (sentence: string) => void = () => undefined,
): readonly BusRecord[] {
  return inSequence(logs.reports.flat(), {
    sequenceOf: ({ value }) => reportCodec.decode(value!).sequence,
    bytesOf: ({ value }) => value!,
    onFault: (sentence) => onFault(`reports: ${sentence}`),
  });
}

/** Drops what does not advance; says where something was skipped or said differently. */
function inSequence<Item>(
  items: readonly Item[],
  options: {
    sequenceOf(item: Item): number;
    bytesOf(item: Item): Uint8Array;
    onFault(sentence: string): void;
  },
): readonly Item[] {
  const kept: Item[] = [];
  for (const item of items) {
    const sequence = options.sequenceOf(item);
    if (sequence > kept.length) {
      options.onFault(`${sequence} came where ${kept.length} was due`);
      return kept;
    }
    if (sequence === kept.length) kept.push(item);
    else if (Buffer.compare(options.bytesOf(item), options.bytesOf(kept[sequence]!)) !== 0) {
      options.onFault(`${sequence} was said twice with different bytes`);
    }
  }
  return kept;
}

/** An alert may be said again, and then with the same content. */
function judgeAlerts(judgement: Judgement, found: RunLogs, calm: RunLogs | null): void {
  const contents = new Map<string, string>();
  for (const { headers, value } of eventsAlone(found.alerts.flat())) {
    const id = headerText(headers, HEADER.alertId)!;
    const digest = digestOf(value);
    if ((contents.get(id) ?? digest) !== digest) {
      judgement.differ('alerts', `alert ${id} was said with different contents`);
    }
    contents.set(id, digest);
  }
  if (calm === null) return;
  const digests = (logs: RunLogs) => [
    ...new Set(logs.alerts.flat().map(({ value }) => digestOf(value))),
  ];
  judgement.differences('alerts', { found: digests(found), calm: digests(calm) });
}

function judgeEntries(
  judgement: Judgement,
  found: readonly string[],
  calm: readonly string[],
): void {
  for (const entry of calm) {
    if (!found.includes(entry)) judgement.find(`${entry} is missing in the state`);
  }
  for (const entry of found) {
    if (!calm.includes(entry)) judgement.find(`${entry} is in the state, and not without faults`);
  }
}

/** The run is over: nothing is open, and no pane waits for its window. */
function judgeLeftovers(judgement: Judgement, entries: readonly string[]): void {
  for (const entry of entries) {
    if (/ (pane|sealed|late):/.test(entry)) judgement.find(`${entry} is left in the state`);
  }
}

/** Equal only for equal bytes, and short enough to read in a difference. */
function digestOf(value: Uint8Array | null): string {
  return value === null ? 'nothing' : createHash('sha256').update(value).digest('hex').slice(0, 12);
}
