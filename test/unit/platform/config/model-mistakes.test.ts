/** Mistakes in the `model` section of monitor.yaml: line and message of each. */
import { describe, expect, test } from 'vitest';
import { checkBundle } from '../../../../services/platform/config/check-bundle.ts';
import { writeBundle } from './bundle-files.ts';
import { FALLBACK, modelBundle } from './model-bundle.ts';

const MISSING = (version: string) =>
  `there is no file models/${version}/model.onnx or models/${version}/ensemble.yaml in the bundle, expected one of them for version ${version}`;
const SHARE = 'a share such as 10%, or a number above 0 and below 1';

/** What is wrong, the text of monitor.yaml that is replaced, by what, the text at the place, message. */
const BROKEN: readonly (readonly [string, string, string, string, string])[] = [
  [
    'a version that is no folder name',
    '"6"',
    '../6',
    '../6',
    'model.shadow: found "../6", expected a version of letters, digits, ., - and _, at most 100 characters',
  ],
  [
    'the primary as canary',
    'canary: { version: "4"',
    'canary: { version: "3"',
    '"3", share',
    'model.canary.version: version 3 is the primary already, expected another',
  ],
  [
    'an arm twice',
    '5-c, share',
    '5-b, share',
    '5-b, share: 12',
    'model.ab[1].version: version 5-b is an arm already, expected another',
  ],
  [
    'the canary as shadow',
    'shadow: "6"',
    'shadow: "4"',
    '"4"\n  inputs',
    'model.shadow: version 4 is the canary already, expected another',
  ],
  [
    'shares of more than all',
    'share: 10%',
    'share: 68%',
    '[{ version: 5-b',
    'model.ab: the shares of canary and arms add up to 1.005, expected at most 1',
  ],
  [
    'a share of nothing',
    'share: 10%',
    'share: 0%',
    '0% }',
    `model.canary.share: found "0%", expected ${SHARE}`,
  ],
  [
    'a share of all',
    'share: 10%',
    'share: 100%',
    '100% }',
    `model.canary.share: found "100%", expected ${SHARE}`,
  ],
  [
    'a share that lacks its sign',
    'share: 10%',
    'share: 10',
    '10 }',
    `model.canary.share: found the number 10, expected ${SHARE}`,
  ],
  [
    'a canary without a share',
    ', share: 10%',
    '',
    'canary',
    'model.canary: the key share is missing',
  ],
  ['a version without files', '"6"', '"7"', '"7"', `model.shadow: ${MISSING('7')}`],
  [
    'a primary without files',
    'version: "3"',
    'version: "2"',
    '"2"',
    `model.version: ${MISSING('2')}`,
  ],
  [
    'a fallback that is the primary',
    FALLBACK,
    '  fallback: { version: "3" }',
    '"3" }',
    'model.fallback.version: version 3 is the primary, expected one that can stand in for it',
  ],
  [
    'a fallback that is the shadow',
    FALLBACK,
    '  fallback: { version: "6" }',
    '"6" }',
    'model.fallback.version: version 6 is the shadow, which answers nothing, expected another one',
  ],
  [
    'a fallback without files',
    FALLBACK,
    '  fallback: { version: "9" }',
    '"9" }',
    `model.fallback.version: ${MISSING('9')}`,
  ],
  [
    'two fallbacks',
    FALLBACK,
    '  fallback: { version: "2", constant: { score: 1, limit: 2 } }',
    '{ version: "2"',
    'model.fallback: found a mapping, expected { version: "2" }, { constant: { score: 0.5 } } or { rule: { score: "…" } }',
  ],
  [
    'a constant that lacks an output',
    FALLBACK,
    '  fallback: { constant: { score: 0.5 } }',
    'constant',
    'model.fallback.constant: limit is missing, expected every output',
  ],
  [
    'a constant of no output',
    FALLBACK,
    '  fallback: { constant: { score: 0.5, limit: 1, scoer: 2 } }',
    'scoer',
    'model.fallback.constant.scoer: there is no output scoer; did you mean score?',
  ],
  [
    'a rule that is no CEL',
    '? 1 : 0',
    '? 1',
    '"event.applicant.age',
    'model.fallback.rule.score: ',
  ],
  [
    'a rule that gives no number',
    '? 1 : 0',
    '',
    '"event.applicant.age',
    'model.fallback.rule.score: it gives ',
  ],
  [
    'a rule over a field that is not there',
    'event.loan.amount *',
    'event.loan.amuont *',
    '"event.loan.amuont',
    'model.fallback.rule.limit: event.loan.amuont is not in the event schema; did you mean amount?',
  ],
  [
    'a rule over the output it stands in for',
    'event.loan.amount * 0.5',
    'output.limit * 0.5',
    '"output.limit',
    'model.fallback.rule.limit: ',
  ],
  [
    'a run that takes too long',
    'runMax: 5s',
    'runMax: 6s',
    '6s }',
    'model.batch.runMax: found 6s, expected at most 5000ms',
  ],
  [
    'a deadline beyond a day',
    'deadline: 250ms',
    'deadline: 2d',
    '2d\n',
    'model.deadline: found 2d, expected at most 1d',
  ],
  [
    'a circuit that stays open',
    'openFor: 1m',
    'openFor: 25h',
    '25h }',
    'model.circuit.openFor: found 25h, expected at most 1d',
  ],
  [
    'a circuit that opens without a failure',
    'failures: 100%',
    'failures: 0',
    '0, rows',
    'model.circuit.failures: found the number 0, expected a share such as 50%, or a number above 0 and up to 1',
  ],
  [
    'a memory without end',
    'ttl: 1d',
    'ttl: 2d',
    '2d }',
    'model.cache.ttl: found 2d, expected at most 1d',
  ],
  [
    'a memory without size',
    '{ entries: 100, ttl: 1d }',
    '{ ttl: 1d }',
    'cache',
    'model.cache: the key entries is missing',
  ],
  [
    'too many workers',
    'workers: 3',
    'workers: 65',
    '65, threads',
    'model.runtime.workers: found the number 65, expected a number <= 64',
  ],
  [
    'a linger, which is gone',
    'runMax: 5s',
    'lingerMax: 5ms',
    'lingerMax',
    'model.batch.lingerMax: unknown key; known are rowsMax, bytesMax, runMax',
  ],
  [
    'a list that is not there',
    'partners: partners.txt',
    'partners: others.txt',
    'others.txt',
    'model.lists.partners: there is no file others.txt in the bundle, expected one value a line',
  ],
  [
    'a list outside the bundle',
    'partners: partners.txt',
    'partners: x/../../partners.txt',
    'x/../..',
    'model.lists.partners: found x/../../partners.txt, expected a file inside the bundle',
  ],
  [
    'a list with a name CEL cannot say',
    'partners: partners.txt',
    'our-partners: partners.txt',
    'our-partners',
    'model.lists.our-partners: found "our-partners", expected a name of letters, digits and _, starting with a letter or _, at most 100 characters',
  ],
  [
    'a policy twice',
    'name: surcharge',
    'name: bounds',
    'bounds, set',
    'model.policies[3].name: another policy is called bounds, expected a name of its own',
  ],
  [
    'a policy that does nothing',
    ', suppress: true',
    '',
    '{ name: tests',
    'model.policies[2]: it does nothing, expected one of set, bounds, suppress',
  ],
  [
    'a policy that does two things',
    ', suppress: true',
    ', suppress: true, set: { score: 1 }',
    '{ name: tests',
    'model.policies[2]: found set and suppress, expected one of set, bounds, suppress',
  ],
  [
    'a policy that sets no output',
    'set: { score: 1, limit: 0 }',
    'set: { score: 1, limti: 0 }',
    'limti',
    'model.policies[0].set.limti: there is no output limti; did you mean limit?',
  ],
  [
    'bounds of no output',
    'limit: [null',
    'age: [null',
    'age: [null',
    'model.policies[1].bounds.age: there is no output age; known are score, limit',
  ],
  [
    'bounds the wrong way round',
    '[0.01, 0.99]',
    '[0.99, 0.01]',
    '[0.99',
    'model.policies[1].bounds.score: found 0.99 to 0.01, expected the least value first',
  ],
  [
    'bounds without a bound',
    '[null, 5000]',
    '[null, null]',
    '[null, null]',
    'model.policies[1].bounds.limit: neither bound is given, expected at least one number',
  ],
  [
    'a policy that does not suppress',
    'suppress: true',
    'suppress: false',
    'false }\n    - { name: surcharge',
    'model.policies[2].suppress: found the boolean false, expected true',
  ],
  [
    'a condition that is no CEL',
    `'event.channel == "test"'`,
    `'event.channel == '`,
    "'event.channel",
    'model.policies[2].when: ',
  ],
  [
    'a condition that gives a number',
    `'event.channel == "test"'`,
    "'output.score'",
    "'output.score'",
    'model.policies[2].when: it gives ',
  ],
  [
    'a condition over a list that is not there',
    'lists.blocked',
    'lists.blokced',
    "'event.applicationId",
    'model.policies[0].when: lists.blokced: there is no list blokced; did you mean blocked?',
  ],
  [
    'a value over an output that is not there',
    'raw.limit',
    'raw.limits',
    "'output.score",
    'model.policies[3].set.score: raw.limits: there is no output limits; did you mean limit?',
  ],
  [
    'a value that is true or false',
    'output.score * 1.1 - raw.limit',
    'output.score > 1.1',
    "'output.score",
    'model.policies[3].set.score: it gives ',
  ],
];

describe('a mistake is named at its line', () => {
  test.each(BROKEN)('%s', async (_what, replaced, by, at, rest) => {
    const files = modelBundle(replaced, by);
    const text = files['monitor.yaml']!;
    expect(text).toContain(at);
    const before = text.slice(0, text.indexOf(at)).split('\n');
    const place = `monitor.yaml:${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
    const { lines } = await checkBundle(await writeBundle(files), { requireReference: false });
    expect(lines).toHaveLength(1);
    // What the CEL library says of an expression follows after our own words.
    if (/(: |it gives )$/.test(rest))
      expect(lines[0]?.slice(0, place.length + 2 + rest.length)).toBe(`${place}: ${rest}`);
    else expect(lines).toEqual([`${place}: ${rest}`]);
  });
});
