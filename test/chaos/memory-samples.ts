/** Resident memory of processes over a run, and whether it stays flat. */
import { spawnSync } from 'node:child_process';

export interface MemorySample {
  /** Events through so far. */
  readonly events: number;
  /** By name. */
  readonly bytes: ReadonlyMap<string, number>;
}

export interface MemoryRow {
  readonly name: string;
  readonly startMb: number;
  readonly middleMb: number;
  readonly endMb: number;
  readonly maxMb: number;
  /** Least squares over the second half: MB per million events. */
  readonly slopeMbPerMillion: number;
}

const MB = 1_048_576;

/** Resident bytes by process id; one that has ended is left out. */
export function residentBytes(pids: readonly number[]): ReadonlyMap<number, number> {
  const { stdout } = spawnSync('ps', ['-o', 'pid=,rss=', '-p', pids.join(',')], {
    encoding: 'utf8',
  });
  const lines = stdout.trim().split('\n');
  return new Map(
    lines.map((line) => {
      const [pid, kilobytes] = line.trim().split(/\s+/).map(Number);
      return [pid!, kilobytes! * 1_024];
    }),
  );
}

/** Start: 5 to 15 % of the events; middle: 45 to 55 %; end: the last tenth. */
export function memoryRows(samples: readonly MemorySample[], events: number): readonly MemoryRow[] {
  const names = [...new Set(samples.flatMap(({ bytes }) => [...bytes.keys()]))];
  return names.map((name) => {
    const points = samples.flatMap(({ events: x, bytes }) => {
      const y = bytes.get(name);
      return y === undefined ? [] : [{ x: x / events, y: y / MB }];
    });
    const between = (from: number, to: number) => points.filter(({ x }) => x >= from && x <= to);
    return {
      name,
      startMb: mean(between(0.05, 0.15)),
      middleMb: mean(between(0.45, 0.55)),
      endMb: mean(between(0.9, 1)),
      maxMb: round(Math.max(...points.map(({ y }) => y))),
      slopeMbPerMillion: round((slope(between(0.5, 1)) * 1e6) / events),
    };
  });
}

function mean(points: readonly { readonly y: number }[]): number {
  return round(points.reduce((sum, { y }) => sum + y, 0) / points.length);
}

function slope(points: readonly { readonly x: number; readonly y: number }[]): number {
  const meanX = points.reduce((sum, { x }) => sum + x, 0) / points.length;
  const meanY = points.reduce((sum, { y }) => sum + y, 0) / points.length;
  const above = points.reduce((sum, { x, y }) => sum + (x - meanX) * (y - meanY), 0);
  return above / points.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
