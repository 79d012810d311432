/**
 * Versions of the model beside each other, pure: where the plan splits the events of a window among
 * them, each is a slice of the predictions, and its sketches say what it answered.
 *
 * They see different events, but which ones is a matter of the events' ids alone, so that versions of
 * one model say the same on the whole, and a difference is one of the versions. It is shown and never
 * judged: that a new version scores otherwise than the training table, or than its predecessor, is
 * mostly what it is for.
 */
import { ks } from '../core/distance/ks.ts';
import type { VersionOutputReport, VersionReport } from '../core/message/version-report.ts';
import { type MeasuredColumn, versionOfSlice } from '../core/monitor/measured-columns.ts';
import type { NumericSketch } from '../core/sketch/numeric-sketch.ts';
import type { WindowContent } from './window-content.ts';

interface VersionContent {
  readonly version: string;
  readonly content: WindowContent;
}

export interface VersionComparison {
  /** Of a slice: it is what one version of the model answered. */
  readonly isVersion: (slice: string) => boolean;
  /** Of such a slice: the model's outputs, measured and not judged. */
  readonly columns: readonly MeasuredColumn[];
  /** By version; empty where none is a slice. */
  compare(contents: ReadonlyMap<string, WindowContent>): readonly VersionReport[];
}

/** `outputs`: of the model; without one, what looks like a version is a slice like any other. */
export function createVersionComparison(outputs: readonly MeasuredColumn[]): VersionComparison {
  const names = outputs.map(({ name }) => name);
  const hasModel = outputs.length > 0;
  return {
    isVersion: (slice) => hasModel && versionOfSlice(slice) !== null,
    columns: outputs.map((output) => ({ ...output, drift: null })),
    compare: (contents) => (hasModel ? compareVersions(contents, names) : []),
  };
}

function compareVersions(
  contents: ReadonlyMap<string, WindowContent>,
  outputs: readonly string[],
): readonly VersionReport[] {
  const versions = [...contents].flatMap(([slice, content]): VersionContent[] => {
    const version = versionOfSlice(slice);
    return version === null ? [] : [{ version, content }];
  });
  versions.sort((a, b) => (a.version < b.version ? -1 : 1));
  // The first of those that answered equally many.
  const [most] = [...versions].sort((a, b) => b.content.count - a.content.count);
  if (most === undefined) return [];
  return versions.map(({ version, content }) => ({
    version,
    count: content.count,
    comparedWith: most.version,
    outputs: outputs.map((name) =>
      outputReport(name, numeric(content, name), numeric(most.content, name)),
    ),
  }));
}

function numeric({ sketches }: WindowContent, name: string): NumericSketch | null {
  const sketch = sketches.get(name);
  return sketch?.kind === 'numeric' ? sketch : null;
}

function outputReport(
  name: string,
  own: NumericSketch | null,
  other: NumericSketch | null,
): VersionOutputReport {
  const isComparable = own !== null && other !== null && own.count > 0 && other.count > 0;
  return {
    name,
    mean: finite(own?.mean),
    standardDeviation: finite(own?.standardDeviation),
    ks: isComparable ? ks(other, own) : null,
  };
}

function finite(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}
