/**
 * `--compare`: a replay against the live run of the same topic, or against a second bundle on the same
 * records.
 */
import { CodedError } from '../core/errors.ts';
import { LIVE_RUN } from '../core/message/topics.ts';
import type { Bundle } from '../platform/config/load-bundle.ts';
import { compareAlerts } from '../replay/compare-alerts.ts';
import { compareLive } from '../replay/compare-live.ts';
import { readLiveResults } from '../replay/live-results.ts';
import { FULL_PACE } from '../replay/pace.ts';
import { PaneLedger } from '../replay/pane-ledger.ts';
import { ReportLedger } from '../replay/report-ledger.ts';
import type { RunListener, RunSummary } from '../replay/run-observer.ts';
import type { SourceSpan } from '../replay/source.ts';
import {
  bundleComparisonJson,
  type ComparedJson,
  liveComparisonJson,
} from './comparison-result.ts';
import { type Connections, connect } from './connect.ts';
import { openBundle } from './open-bundle.ts';
import { executeInMemory } from './replay-execution.ts';
import { asTopicSpans, type OpenSource } from './replay-source.ts';

export interface Comparison {
  /** Sees what the run writes. */
  readonly listener: Omit<RunListener, 'progress'> | null;
  /** When the run is over. */
  compare(run: {
    readonly summary: RunSummary;
    readonly spans: readonly SourceSpan[];
    readonly opened: OpenSource;
    readonly ports: Connections;
  }): Promise<ComparedJson>;
}

export interface ComparisonOptions {
  readonly topic?: string;
  readonly compare?: string;
  readonly schemaRegistry?: string;
}

/** `null`: nothing is to be compared. Throws what is wrong with the request before anything is run. */
export async function openComparison(
  options: ComparisonOptions,
  bundle: Bundle,
): Promise<Comparison | null> {
  if (options.compare === undefined) return null;
  if (options.compare === LIVE_RUN) return liveComparison(options, bundle);
  return bundleComparison(options, await openBundle(options.compare));
}

function liveComparison({ topic }: ComparisonOptions, { monitor }: Bundle): Comparison {
  if (topic !== monitor.topics.events) {
    throw new CodedError(
      'configuration.invalid',
      `--compare live needs --topic ${monitor.topics.events}, the topic that the live services read`,
    );
  }
  const panes = new PaneLedger();
  const reports = new ReportLedger();
  return {
    listener: {
      pane: (pane, { headers }) => panes.take(pane, headers),
      report: (report) => reports.take(report),
    },
    async compare({ summary, spans, opened }) {
      const live = await readLiveResults(opened.bus!, monitor);
      const run = { panes, reports, alerts: summary.alerts };
      return liveComparisonJson(compareLive({ monitor, live, run, spans: asTopicSpans(spans) }));
    },
  };
}

/** The second bundle's run is in memory, and begun anew whenever the first one's result is. */
function bundleComparison(options: ComparisonOptions, other: Bundle): Comparison {
  return {
    listener: null,
    async compare({ summary, spans, opened }) {
      const { env } = process;
      const ports = connect({
        environment: env,
        logLevel: 'error',
        serviceName: 'tidegauge',
        brokers: null,
        redisUrl: null,
        schemaRegistryUrl: options.schemaRegistry ?? env.SCHEMA_REGISTRY_URL ?? null,
        bundle: other,
      });
      try {
        const fixed: OpenSource = { ...opened, fix: async () => spans };
        const part = { opened: fixed, bundle: other, labels: null, pace: FULL_PACE, ports };
        const second = await executeInMemory({ ...part, listener: null });
        const pairs = compareAlerts(summary.alerts, second.summary.alerts);
        return bundleComparisonJson(options.compare!, pairs);
      } finally {
        await ports.close();
      }
    },
  };
}
