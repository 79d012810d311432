/** Executes the run of a replay, in memory or under a name, and shows how far it is. */
import { executeRun, type RunOptions } from '../embedded/execute-run.ts';
import type { Bundle } from '../platform/config/load-bundle.ts';
import type { Pace } from '../replay/pace.ts';
import type { RunListener, RunSummary } from '../replay/run-observer.ts';
import type { SourceSpan } from '../replay/source.ts';
import type { Connections } from './connect.ts';
import { interruptSignal } from './interrupt.ts';
import { scopeOfRun } from './join-run.ts';
import type { LabelCoverage } from './labels.ts';
import type { NamedReplay } from './named-replay.ts';
import { newRunId } from './open-bundle.ts';
import { createProgress } from './progress.ts';
import type { OpenSource, RunProgress } from './replay-source.ts';

export interface ReplayPart {
  readonly ports: Connections;
  readonly bundle: Bundle;
  readonly opened: OpenSource;
  readonly labels: LabelCoverage | null;
  readonly pace: Pace;
  readonly listener: Omit<RunListener, 'progress'> | null;
}

export interface Executed {
  readonly summary: RunSummary;
  readonly spans: readonly SourceSpan[];
}

export async function executeInMemory(part: ReplayPart): Promise<Executed> {
  const { bundle, opened, ports } = part;
  const spans = await opened.fix();
  const scope = scopeOfRun(bundle, { id: newRunId(), writerSchema: opened.writerSchema });
  const summary = await withProgress('replaying', part, spans, (options) =>
    executeRun(ports, scope, options),
  );
  return { summary, spans };
}

export async function executeNamed(part: ReplayPart, named: NamedReplay): Promise<Executed> {
  const { spans } = named.record;
  const summary = await withProgress(`replaying ${named.name}`, part, spans, (options) =>
    named.execute(options),
  );
  return { summary, spans };
}

async function withProgress(
  label: string,
  { ports, bundle, opened, labels, pace, listener }: ReplayPart,
  spans: readonly SourceSpan[],
  execute: (options: RunOptions) => Promise<RunSummary>,
): Promise<RunSummary> {
  const progress = createProgress(label, ports.clock, process.stderr);
  let done: RunProgress = { published: 0, decided: 0 };
  const advance = (further: Partial<RunProgress>) => {
    done = { ...done, ...further };
    progress.update(opened.progress(spans, done));
  };
  const summary = await execute({
    source: opened.read(bundle, spans, labels),
    pace,
    signal: interruptSignal(),
    onProgress: (published) => advance({ published }),
    listener: {
      pane: (pane, record) => listener?.pane(pane, record),
      report: (report) => listener?.report(report),
      progress: (decided) => advance({ decided }),
    },
  });
  progress.end();
  return summary;
}
