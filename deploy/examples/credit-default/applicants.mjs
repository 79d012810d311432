// @ts-check
/**
 * Where the applications come from: a made-up population of applicants, sampled from a seed.
 *
 * Income, loan, term, utilisation and age hang together as they do in real books; employment and
 * channel are shares. The campaign redraws only the age, and every application takes the same number
 * of random values with and without it, so that not one other field changes when it starts.
 */
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';

/** @typedef {import('pure-rand/types/RandomGenerator').RandomGenerator} RandomGenerator */
/** @typedef {import('./generate.mjs').CreditApplication} CreditApplication */

/** Share of the applicants of working age whom the campaign replaces by younger ones. */
const CAMPAIGN_SHARE = 0.45;

const EMPLOYMENT = /** @type {const} */ ([
  { value: 'salaried', share: 0.68, incomeMedian: 38_000, riskLogit: 0 },
  { value: 'self-employed', share: 0.14, incomeMedian: 34_000, riskLogit: 0.3 },
  { value: 'retired', share: 0.12, incomeMedian: 24_000, riskLogit: -0.2 },
  { value: 'unemployed', share: 0.06, incomeMedian: 14_000, riskLogit: 0.9 },
]);
const PURPOSES = /** @type {const} */ ([
  { value: 'car', share: 0.3 },
  { value: 'home-improvement', share: 0.25 },
  { value: 'debt-consolidation', share: 0.25 },
  { value: 'education', share: 0.08 },
  { value: 'other', share: 0.12 },
]);
const CHANNELS = /** @type {const} */ ([
  { value: 'web', share: 0.55 },
  { value: 'branch', share: 0.3 },
  { value: 'partner', share: 0.15 },
]);
const TERMS_MONTHS = /** @type {const} */ ([12, 24, 36, 48, 60, 72, 84]);
const LOAN_TO_INCOME_MEDIAN = 0.35;

/** @param {number} value @param {number} minimum @param {number} maximum */
function clamp(value, minimum, maximum) {
  return Math.min(maximum, Math.max(minimum, value));
}

/** @param {number} value @param {number} step */
function roundTo(value, step) {
  return Math.round(value / step) * step;
}

/** A standard normal value (Box and Muller); always takes two uniform ones. @param {RandomGenerator} random */
function normal(random) {
  const radius = Math.sqrt(-2 * Math.log(1 - uniformFloat64(random)));
  return radius * Math.cos(2 * Math.PI * uniformFloat64(random));
}

/**
 * @template {{ readonly share: number }} T
 * @param {readonly T[]} options whose shares add up to 1
 * @param {RandomGenerator} random
 * @returns {T}
 */
function choose(options, random) {
  let rest = uniformFloat64(random);
  for (const option of options) {
    rest -= option.share;
    if (rest < 0) return option;
  }
  return /** @type {T} */ (options[options.length - 1]);
}

/** @param {RandomGenerator} random @param {{ isRetired: boolean, wealth: number, isCampaign: boolean }} about */
function sampleAge(random, { isRetired, wealth, isCampaign }) {
  const spread = normal(random);
  const isReached = uniformFloat64(random) < CAMPAIGN_SHARE;
  const youngAge = 19 + Math.floor(12 * uniformFloat64(random));
  if (isRetired) return Math.round(clamp(70 + 5 * spread, 62, 90));
  if (isCampaign && isReached) return youngAge;
  return Math.round(clamp(43 + 11 * (0.25 * wealth + 0.97 * spread), 19, 67));
}

/**
 * @param {RandomGenerator} random
 * @param {{ applicationId: string, submittedAt: number, isCampaign: boolean }} about
 * @returns {{ event: CreditApplication, defaulted: 0 | 1 }} the event, and how the loan would end
 */
export function sampleApplication(random, { applicationId, submittedAt, isCampaign }) {
  const employment = choose(EMPLOYMENT, random);
  const wealth = normal(random);
  const income = roundTo(
    clamp(employment.incomeMedian * Math.exp(0.42 * wealth), 6_000, 900_000),
    1,
  );
  const age = sampleAge(random, { isRetired: employment.value === 'retired', wealth, isCampaign });

  const appetite = normal(random);
  const wanted = income * LOAN_TO_INCOME_MEDIAN * Math.exp(0.8 * appetite);
  const amount = roundTo(clamp(wanted, 500, Math.min(12 * income, 400_000)), 100);
  const termIndex = Math.round(clamp(2.5 + 1.2 * appetite + 1.2 * normal(random), 0, 6));
  const termMonths = /** @type {number} */ (TERMS_MONTHS[termIndex]);

  const strain = normal(random);
  const isKnown = uniformFloat64(random) >= 0.07;
  const used = roundTo(1 / (1 + Math.exp(0.6 + 0.3 * wealth - 0.9 * strain)), 0.0001);

  const riskLogit =
    -2.7 +
    0.8 * Math.log(amount / income / LOAN_TO_INCOME_MEDIAN) +
    2.4 * (used - 0.4) +
    0.01 * (termMonths - 36) -
    0.3 * wealth -
    0.004 * (age - 43) +
    employment.riskLogit;
  const defaulted = uniformFloat64(random) < 1 / (1 + Math.exp(-riskLogit)) ? 1 : 0;

  const purpose = choose(PURPOSES, random).value;
  const channel = choose(CHANNELS, random).value;
  const tags = uniformFloat64(random) < 0.15 ? ['returning-customer'] : [];
  return {
    event: {
      applicationId,
      submittedAt,
      applicant: { age, income, employment: employment.value },
      loan: { amount, termMonths, purpose },
      utilisation: isKnown ? Number(used.toFixed(4)) : null,
      channel,
      tags,
    },
    defaulted,
  };
}
