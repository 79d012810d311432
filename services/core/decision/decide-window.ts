/**
 * The decision: is anything in this window drifting, with no more false alarms than were budgeted?
 *
 * Pure and deterministic, from sketches alone, in time that does not depend on how many values they
 * hold. The part of a column or a set goes by priority; a column with a fixed threshold takes none.
 */
import type { WindowBudget } from './budget.ts';
import { shareBudget } from './budget.ts';
import {
  type ColumnVerdict,
  type ComparedColumn,
  type JudgedColumn,
  judgeColumn,
  measureColumn,
} from './decide-column.ts';
import { type ComparedSet, type JudgedSet, judgeSet } from './decide-set.ts';
import { EFFECT_FLOORS, type EffectFloors } from './measurement.ts';

export interface ComparedWindow {
  readonly columns: readonly ComparedColumn[];
  /** Of columns; none by default. */
  readonly sets?: readonly ComparedSet[];
  /** Events in the window. */
  readonly count: number;
  readonly budget: WindowBudget;
  /** Events, and values of a column, below which nothing is judged. */
  readonly countMin: number;
  /** Effects worth waking somebody for; those left out are the usual ones. */
  readonly effectFloors?: Partial<EffectFloors>;
}

export interface JudgedWindow {
  readonly verdict: ColumnVerdict;
  readonly columns: readonly JudgedColumn[];
  readonly sets: readonly JudgedSet[];
  /** The budget the verdict was reached under. */
  readonly budget: WindowBudget;
}

export function judgeWindow(compared: ComparedWindow): JudgedWindow {
  const { columns, sets = [], count, budget, countMin } = compared;
  if (count < countMin) {
    return {
      verdict: 'insufficient-data',
      columns: columns.map(({ name }) => tooFew(name, count, countMin)),
      sets: sets.map(({ name }) => ({ ...tooFew(name, count, countMin), threshold: null })),
      budget,
    };
  }
  const floors = { ...EFFECT_FLOORS, ...compared.effectFloors };
  const alphas = shareBudget(budget.alpha, [
    ...columns.map(({ threshold, priority }) => (threshold === null ? priority : 0)),
    ...sets.map(({ priority }) => priority),
  ]);
  const judged = columns.map((column, index) =>
    judgeColumn(column, measureColumn(column, { floors, countMin }), alphas[index]!, countMin),
  );
  const judgedSets = sets.map((set, index) =>
    judgeSet(set, alphas[columns.length + index]!, { floors, countMin }),
  );
  const verdict = windowVerdict([...judged, ...judgedSets]);
  return { verdict, columns: judged, sets: judgedSets, budget };
}

function tooFew(name: string, count: number, countMin: number): JudgedColumn {
  return {
    name,
    verdict: 'insufficient-data',
    statistics: [],
    decisive: null,
    sentence: `${name}: the window has ${count} events, too few to judge by (${countMin} are needed).`,
  };
}

/** One drifting column or set makes the window drift; otherwise one that was judged makes it `ok`. */
function windowVerdict(columns: readonly JudgedColumn[]): ColumnVerdict {
  const verdicts = new Set(columns.map(({ verdict }) => verdict));
  if (verdicts.has('drift')) return 'drift';
  return verdicts.has('ok') ? 'ok' : 'insufficient-data';
}
