// @ts-check
/**
 * Ten ways a record on the topic can be wrong. Each is made from a good event, so that nothing else
 * is the matter with it.
 */
/** @typedef {import('./generate.mjs').CreditApplication} CreditApplication */
/** @typedef {import('./generate.mjs').BadKind} BadKind */

/**
 * Avro single-object header: C3 01 and the CRC-64-AVRO fingerprint of event.avsc, little-endian.
 * A test recomputes it from the file.
 */
export const SINGLE_OBJECT_HEADER = Buffer.from('c301' + 'c047d154d5e44ab1', 'hex');

/** Avro's variable-length zigzag number. @param {number} value */
function encodeLong(value) {
  let rest = BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n));
  const bytes = [];
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

/** @param {number} value */
function encodeDouble(value) {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes;
}

/** @param {string} text */
function encodeString(text) {
  const bytes = Buffer.from(text, 'utf8');
  return Buffer.concat([encodeLong(bytes.length), bytes]);
}

/** The Avro body of event.avsc up to the `tags`. @param {CreditApplication} event */
function encodeWithoutTags(event) {
  const { applicant, loan, utilisation } = event;
  return Buffer.concat([
    SINGLE_OBJECT_HEADER,
    encodeString(event.applicationId),
    encodeLong(event.submittedAt),
    encodeLong(applicant.age),
    encodeDouble(applicant.income),
    encodeString(applicant.employment),
    encodeDouble(loan.amount),
    encodeLong(loan.termMonths),
    encodeString(loan.purpose),
    utilisation === null
      ? encodeLong(0)
      : Buffer.concat([encodeLong(1), encodeDouble(utilisation)]),
    encodeString(event.channel),
  ]);
}

/** @param {unknown} value */
function json(value) {
  return Buffer.from(JSON.stringify(value), 'utf8');
}

/** Twenty million strings promised, none there: five bytes after the fields before them. */
const BOMB_ITEM_COUNT = 20_000_000;
const YEAR_9999_MS = Date.UTC(9999, 11, 31);

/** @type {Record<BadKind, (event: CreditApplication) => Buffer>} */
const MAKE = {
  // The first byte is neither an Avro marker nor the start of a JSON text.
  undecodable: (event) => Buffer.from([0x7f, ...encodeDouble(event.loan.amount), 0xff, 0xfe]),
  'truncated-avro': (event) => {
    const whole = encodeWithoutTags(event);
    return whole.subarray(0, whole.length - 3);
  },
  'avro-bomb': (event) =>
    Buffer.concat([encodeWithoutTags(event), encodeLong(BOMB_ITEM_COUNT), Buffer.from([0])]),
  empty: () => Buffer.alloc(0),
  'wrong-type': (event) => json({ ...event, applicant: { ...event.applicant, income: 'a lot' } }),
  'missing-field': (event) => {
    const { income: _income, ...applicant } = event.applicant;
    return json({ ...event, applicant });
  },
  'age-out-of-range': (event) => json({ ...event, applicant: { ...event.applicant, age: 430 } }),
  'loan-too-large': (event) =>
    json({ ...event, loan: { ...event.loan, amount: 25 * event.applicant.income } }),
  'unknown-employment': (event) =>
    json({ ...event, applicant: { ...event.applicant, employment: 'astronaut' } }),
  'year-9999': (event) => json({ ...event, submittedAt: YEAR_9999_MS }),
};

export const BAD_KINDS = /** @type {readonly BadKind[]} */ (Object.keys(MAKE));

/** @param {BadKind} kind @param {CreditApplication} event */
export function makeBadRecord(kind, event) {
  return MAKE[kind](event);
}
