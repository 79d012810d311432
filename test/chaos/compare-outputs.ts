/**
 * A live run against a replay of its event topic: panes byte for byte in their order, reports and
 * alerts byte for byte.
 *
 * The replay goes further: its end seals what the live run still holds open. So what the live run
 * said must be said by the replay, and what only the replay says must lie beyond where the live run
 * had sealed everything.
 */
import { createHash } from 'node:crypto';
import type { Problems } from './problems.ts';
import { describePane, describeReport, type RunOutputs, type SaidPane } from './run-outputs.ts';

export interface Comparison {
  readonly replay: string;
  readonly panes: number;
  readonly reports: number;
  readonly alerts: number;
  readonly differing: number;
  /** SHA-256 over the panes in order, of the live run and of the same stretch of the replay. */
  readonly liveSha256: string;
  readonly replaySha256: string;
}

export function compareOutputs(
  replay: string,
  live: RunOutputs,
  replayed: RunOutputs,
  problems: Problems,
): Comparison {
  let differing = 0;
  const differ = (what: string) => {
    differing += 1;
    problems.add('replay', `${replay}: ${what}`);
  };
  const edgeMs = live.judgedThroughMs;
  const sources = [...new Set([...live.panes.keys(), ...replayed.panes.keys()])].sort();
  const livePanes: SaidPane[] = [];
  const replayPanes: SaidPane[] = [];
  for (const source of sources) {
    const theirs = replayed.sealedPanes(source);
    const ours = live.sealedPanes(source);
    for (const [index, pane] of ours.entries()) {
      const other = theirs[index];
      if (other?.digest === pane.digest) continue;
      const said = other === undefined ? 'nothing' : describePane(other);
      differ(`pane ${index} of ${source} is ${describePane(pane)} live and ${said} in the replay`);
    }
    for (const pane of theirs.slice(ours.length).filter(({ endMs }) => endMs <= edgeMs)) {
      differ(`pane of ${source} is missing live: ${describePane(pane)}`);
    }
    livePanes.push(...ours);
    replayPanes.push(...theirs.slice(0, ours.length));
  }

  const reports = live.judgements;
  const replayedReports = replayed.judgements;
  for (const [id, { report, digest }] of reports) {
    if (replayedReports.get(id)?.digest !== digest) {
      const other = replayedReports.has(id) ? 'another one' : 'none';
      differ(`report ${describeReport(report)} is ${other} in the replay`);
    }
  }
  for (const [id, { report }] of replayedReports) {
    const due = report.kind === 'window' && report.windowEndMs <= edgeMs;
    if (due && !reports.has(id)) differ(`report ${describeReport(report)} is missing live`);
  }

  for (const [id, { digest, windowEnd }] of live.alerts) {
    if (replayed.alerts.get(id)?.digest !== digest) {
      const other = replayed.alerts.has(id) ? 'another one' : 'none';
      differ(`alert ${id} of the window until ${windowEnd} is ${other} in the replay`);
    }
  }
  for (const [id, { windowEnd }] of replayed.alerts) {
    if (Date.parse(windowEnd) <= edgeMs && !live.alerts.has(id)) {
      differ(`alert ${id} of the window until ${windowEnd} is missing live`);
    }
  }
  return {
    replay,
    panes: livePanes.length,
    reports: reports.size,
    alerts: live.alerts.size,
    differing,
    liveSha256: digestOf(livePanes),
    replaySha256: digestOf(replayPanes),
  };
}

function digestOf(panes: readonly SaidPane[]): string {
  const hash = createHash('sha256');
  for (const { digest } of panes) hash.update(digest);
  return hash.digest('hex');
}
