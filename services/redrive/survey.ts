/** What a redrive found and did, by class, rule and stage; pure. */
import type { ErrorClass, ErrorCode } from '../core/errors.ts';
import type { QuarantineStage } from '../core/message/quarantine.ts';
import type { BusRecord } from '../core/message/record.ts';
import type { Refusal } from './refusal.ts';
import { SKIP_REASONS, type SkipReason } from './select.ts';

export type SkipCounts = Readonly<Record<SkipReason, number>>;

export interface RuleSurvey {
  readonly class: ErrorClass;
  readonly rule: ErrorCode;
  readonly stage: QuarantineStage;
  /** Selected records, those skipped among them. */
  readonly count: number;
  readonly skipped: number;
  /** Record times of the quarantined records, milliseconds since 1970. */
  readonly oldestMs: number;
  readonly newestMs: number;
  /** The message of the first. */
  readonly example: string;
  /** Of those not skipped, as far as they were tried. */
  readonly wouldBeValid: number;
}

export interface SurveyResult {
  readonly selected: number;
  readonly skipped: SkipCounts;
  /** Records in the range that no service of this monitor wrote. */
  readonly foreign: number;
  /** Most first. */
  readonly byRule: readonly RuleSurvey[];
  /** By the rule that would refuse them now. */
  readonly wouldBeRefused: ReadonlyMap<ErrorCode, number>;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

export class Survey {
  readonly #rules = new Map<string, Mutable<RuleSurvey>>();
  readonly #skipped = Object.fromEntries(SKIP_REASONS.map((reason) => [reason, 0])) as Record<
    SkipReason,
    number
  >;
  readonly #refused = new Map<ErrorCode, number>();
  #selected = 0;
  #foreign = 0;

  addForeign(): void {
    this.#foreign += 1;
  }

  addSelected(record: BusRecord, refusal: Refusal, skipped: SkipReason | null): void {
    const row = this.#rowOf(record, refusal);
    this.#selected += 1;
    row.count += 1;
    row.oldestMs = Math.min(row.oldestMs, record.timestampMs);
    row.newestMs = Math.max(row.newestMs, record.timestampMs);
    if (skipped === null) return;
    row.skipped += 1;
    this.#skipped[skipped] += 1;
  }

  /** `refusedBy`: the rule that would refuse the event now, `null` where it would be valid. */
  addTried(record: BusRecord, refusal: Refusal, refusedBy: ErrorCode | null): void {
    if (refusedBy === null) this.#rowOf(record, refusal).wouldBeValid += 1;
    else this.#refused.set(refusedBy, (this.#refused.get(refusedBy) ?? 0) + 1);
  }

  result(): SurveyResult {
    return {
      selected: this.#selected,
      skipped: { ...this.#skipped },
      foreign: this.#foreign,
      byRule: [...this.#rules.values()].sort((a, b) => b.count - a.count),
      wouldBeRefused: new Map([...this.#refused].sort(([, a], [, b]) => b - a)),
    };
  }

  #rowOf(record: BusRecord, refusal: Refusal): Mutable<RuleSurvey> {
    const key = `${refusal.rule} ${refusal.stage}`;
    let row = this.#rules.get(key);
    if (row === undefined) {
      row = {
        class: refusal.class,
        rule: refusal.rule,
        stage: refusal.stage,
        count: 0,
        skipped: 0,
        oldestMs: record.timestampMs,
        newestMs: record.timestampMs,
        example: refusal.message,
        wouldBeValid: 0,
      };
      this.#rules.set(key, row);
    }
    return row;
  }
}
