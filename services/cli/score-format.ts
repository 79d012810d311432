/**
 * How `tidegauge score` writes a row's answer: CSV (RFC 4180, with a header) or JSON lines. One line
 * for each row of the data, in its order, whether it could be scored or not.
 *
 *     row      number of the row in the data, 0-based
 *     id       of the event; none where the row cannot be read
 *     variant  version   which version answered, and why it
 *     <output>           what to act on; `<output>.raw` before the policies, where there are any
 *     policies suppressed   which policies applied, where there are any
 *     fallback           error code of why the chosen version did not answer
 *     error    message   why the row has no answer
 */
import { CodedError } from '../core/errors.ts';
import type { MonitorModel } from '../core/monitor/monitor.ts';
import type { RowAnswer } from '../inference-worker/score-row.ts';

export type ScoreFormatName = 'csv' | 'jsonl';

export interface ScoredRow {
  readonly row: number;
  readonly id: string | null;
  readonly answer: RowAnswer;
}

export interface ScoreFormat {
  /** What comes before the first row. */
  readonly header: string;
  /** A whole line, with its end. */
  line(row: ScoredRow): string;
}

type FormattedModel = Pick<MonitorModel, 'outputs' | 'policies'>;

/** Throws `configuration.invalid` where the outputs' names do not fit into a header. */
export function createScoreFormat(name: ScoreFormatName, model: FormattedModel): ScoreFormat {
  return name === 'csv' ? createCsv(model) : createJsonLines(model);
}

const BEFORE_OUTPUTS = ['row', 'id', 'variant', 'version'] as const;
const OF_POLICIES = ['policies', 'suppressed'] as const;
const AFTER_OUTPUTS = ['fallback', 'error', 'message'] as const;

function createCsv({ outputs, policies }: FormattedModel): ScoreFormat {
  const names = outputs.map((output) => output.name);
  const hasPolicies = policies.length > 0;
  const columns = [
    ...BEFORE_OUTPUTS,
    ...names,
    ...(hasPolicies ? [...names.map((each) => `${each}.raw`), ...OF_POLICIES] : []),
    ...AFTER_OUTPUTS,
  ];
  const twice = columns.find((column, index) => columns.indexOf(column) !== index);
  if (twice !== undefined) {
    throw new CodedError(
      'configuration.invalid',
      `CSV would have two columns ${twice}, as the model has an output of this name; use --format jsonl`,
    );
  }
  const none = names.map(() => '');
  return {
    header: csvLine(columns),
    line({ row, id, answer }) {
      if (answer.kind === 'rejected') {
        const { code, message } = answer.rejection;
        const blank = columns.length - 4;
        return csvLine([String(row), id ?? '', ...Array<string>(blank).fill(''), code, message]);
      }
      const raw = answer.rawOutputs.length === 0 ? none : answer.rawOutputs.map(String);
      return csvLine([
        ...[String(row), id ?? '', answer.variant, answer.version],
        ...answer.outputs.map(String),
        ...(hasPolicies ? [...raw, answer.policies.join(' '), String(answer.suppressed)] : []),
        ...[answer.fallbackReason, '', ''],
      ]);
    },
  };
}

function csvLine(cells: readonly string[]): string {
  return `${cells.map(csvCell).join(',')}\n`;
}

function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function createJsonLines({ outputs, policies }: FormattedModel): ScoreFormat {
  const named = (values: readonly number[]) =>
    Object.fromEntries(values.map((value, index) => [outputs[index]!.name, value]));
  return {
    header: '',
    line({ row, id, answer }) {
      const fields = { row, id, ...fieldsOf(answer) };
      return `${JSON.stringify(fields)}\n`;
    },
  };

  function fieldsOf(answer: RowAnswer): object {
    if (answer.kind === 'rejected') {
      return { error: answer.rejection.code, message: answer.rejection.message };
    }
    const { variant, version, suppressed, fallbackReason } = answer;
    return {
      variant,
      version,
      outputs: named(answer.outputs),
      ...(policies.length === 0
        ? {}
        : { raw: named(answer.rawOutputs), policies: answer.policies, suppressed }),
      ...(fallbackReason === '' ? {} : { fallback: fallbackReason }),
    };
  }
}
