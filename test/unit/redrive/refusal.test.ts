/** What is read from the headers of a quarantined record, and what is not believed. */
import { describe, expect, it } from 'vitest';
import { HEADER, headerBytes } from '../../../services/core/message/header.ts';
import { quarantine } from '../../../services/core/message/quarantine.ts';
import type { BusRecord } from '../../../services/core/message/record.ts';
import {
  eventFromRefused,
  parseRefusal,
  redrivenOrigin,
} from '../../../services/redrive/refusal.ts';

const EVENTS = 'stations.events';
const event: BusRecord = {
  ...{ topic: EVENTS, partition: 3, offset: 41, timestampMs: 7 },
  ...{ key: Buffer.from('k'), value: Buffer.from('v'), headers: { own: headerBytes('1') } },
};
const outgoing = quarantine(event, {
  stage: 'validator',
  topic: 'stations.quarantine',
  rejection: { code: 'invariant.relation', message: 'relation payable does not hold' },
  origin: event,
});
const refused: BusRecord = { ...outgoing, partition: 3, offset: 9, timestampMs: 8 };

function withHeader(name: string, text: string | null): BusRecord {
  const { [name]: _, ...others } = refused.headers;
  return { ...refused, headers: text === null ? others : { ...others, [name]: headerBytes(text) } };
}

describe('a quarantined record', () => {
  it('says who refused it, why, and what it was', () => {
    expect(parseRefusal(refused, EVENTS)).toEqual({
      ...{ stage: 'validator', class: 'invariant', rule: 'invariant.relation', attempt: 1 },
      message: 'relation payable does not hold',
      origin: { topic: EVENTS, partition: 3, offset: 41 },
    });
  });

  it.each([
    [HEADER.errorStage, 'alerting'],
    [HEADER.errorStage, null],
    [HEADER.errorRule, 'invariant.unheard-of'],
    [HEADER.errorRule, 'constructor'],
    [HEADER.errorRule, 'dependency.bus'],
    [HEADER.errorOrigin, 'other.events:3:41'],
    [HEADER.errorOrigin, `${EVENTS}:2:41`],
    [HEADER.errorOrigin, 'nonsense'],
    [HEADER.errorAttempt, '0'],
    [HEADER.errorAttempt, 'often'],
    [HEADER.errorAttempt, null],
  ])('is none of ours with %s %s', (name, text) => {
    expect(parseRefusal(withHeader(name, text), EVENTS)).toBeNull();
  });

  it('keeps every header of its own, whatever it is called', () => {
    const strange = withHeader('__proto__', 'x');
    const sent = eventFromRefused(strange, parseRefusal(strange, EVENTS)!);
    expect(Object.keys(sent.headers)).toContain('own');
    expect(Object.keys(sent.headers)).not.toContain(HEADER.errorMessage);
    expect(sent).toMatchObject({ topic: EVENTS, partition: 3, timestampMs: null });
  });
});

describe('a redriven event', () => {
  const sent = eventFromRefused(refused, parseRefusal(refused, EVENTS)!);
  const from = { topic: 'stations.quarantine', partition: 3 };

  it('names the event it was', () => {
    expect(redrivenOrigin(sent.headers, from)).toEqual({ topic: EVENTS, partition: 3, offset: 41 });
  });

  it('is one of its own quarantine partition only', () => {
    expect(redrivenOrigin(sent.headers, { ...from, partition: 2 })).toBeNull();
    expect(redrivenOrigin(sent.headers, { ...from, topic: 'other' })).toBeNull();
    expect(redrivenOrigin(event.headers, from)).toBeNull();
  });
});
