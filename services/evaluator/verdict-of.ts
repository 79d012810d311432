/** The verdict of a column or a set in its report, which says also why there is none. */
import type { JudgedColumn } from '../core/decision/decide-column.ts';
import type { Verdict } from '../core/message/report.ts';
import type { WindowContent } from './window-content.ts';

/** `sketch`, `reference`: what there is of it on either side. */
export function verdictOf(
  judged: JudgedColumn | null,
  found: {
    readonly content: Pick<WindowContent, 'count'>;
    readonly countMin: number;
    readonly sketch: object | null;
    readonly reference: object | null;
  },
): Verdict {
  if (found.reference === null) return 'no-reference';
  if (judged !== null) return judged.verdict;
  return found.sketch === null || found.content.count < found.countMin ? 'insufficient-data' : 'ok';
}
