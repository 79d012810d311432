/** What is found wrong with a run, in sentences and in numbers. */

export interface Verdict {
  readonly events: number;
  readonly lost: number;
  readonly countedTwice: number;
  readonly differingPanes: number;
  readonly differingReports: number;
  readonly differingAlerts: number;
  /** One sentence for each thing that is wrong. */
  readonly findings: readonly string[];
}

/** What must be the same, byte for byte, as without faults. */
type Compared = 'panes' | 'reports' | 'alerts';

export class Judgement {
  readonly #findings: string[] = [];
  readonly #counts = { lost: 0, countedTwice: 0, panes: 0, reports: 0, alerts: 0 };

  find(sentence: string): void {
    this.#findings.push(sentence);
  }

  lose(count: number, sentence: string): void {
    this.#counts.lost += count;
    this.find(sentence);
  }

  repeat(count: number, sentence: string): void {
    this.#counts.countedTwice += count;
    this.find(sentence);
  }

  differ(kind: Compared, sentence: string): void {
    this.#counts[kind] += 1;
    this.find(sentence);
  }

  /** Place by place; what only one side has differs too. */
  differences(
    kind: Compared,
    { found, calm }: { readonly found: readonly string[]; readonly calm: readonly string[] },
  ): void {
    for (let index = 0; index < Math.max(found.length, calm.length); index += 1) {
      const [is, was] = [found[index] ?? 'absent', calm[index] ?? 'absent'];
      if (is !== was) this.differ(kind, `${kind}, place ${index}: ${is}, without faults ${was}`);
    }
  }

  verdict(events: number): Verdict {
    const { lost, countedTwice, panes, reports, alerts } = this.#counts;
    return {
      ...{ events, lost, countedTwice },
      ...{ differingPanes: panes, differingReports: reports, differingAlerts: alerts },
      findings: this.#findings,
    };
  }
}
