/** A share as a person reads it in a sentence: `12.3 %`. */

const DIGITS = 3;

export function percent(share: number): string {
  return `${Number((100 * share).toPrecision(DIGITS))} %`;
}
