/** No secret survives redaction, and what is not one does. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { redactFields, redactText } from '../../../../services/platform/telemetry/log-redaction.ts';

const SECRET = 'S3cr3t';

describe('redactFields', () => {
  it('hides the value of a telling name at any depth', () => {
    const names = fc.constantFrom(
      'password',
      'redisPassword',
      'API_KEY',
      'api-key',
      'Authorization',
      'sasl',
      'accessToken',
      'client_secret',
      'routing_key',
      'credentials',
      'set-cookie',
    );
    const nesting = fc.array(fc.oneof(fc.constant('object'), fc.constant('array')), {
      maxLength: 12,
    });
    fc.assert(
      fc.property(names, nesting, (name, levels) => {
        let fields: Record<string, unknown> = { [name]: { user: 'u', mechanism: SECRET } };
        for (const level of levels) {
          fields = { inner: level === 'array' ? [fields, 1] : fields };
        }
        expect(JSON.stringify(redactFields(fields))).not.toContain(SECRET);
      }),
    );
  });

  it('leaves ordinary fields as they are', () => {
    const fields = {
      topic: 'events',
      count: 3,
      passed: true,
      tokens: 5,
      tokenCount: 7,
      nothing: null,
      list: [1, 'two', { three: 3 }],
    };
    expect(redactFields(fields)).toEqual(fields);
  });

  it('turns errors, causes included, into plain fields without secrets', () => {
    const cause = new Error(`redis://:${SECRET}@host refused`);
    const error = Object.assign(new AggregateError([cause], `at http://u:${SECRET}@host`), {
      code: 'ECONNREFUSED',
    });
    const redacted = redactFields({ error });
    expect(redacted.error).toMatchObject({
      type: 'AggregateError',
      code: 'ECONNREFUSED',
      message: 'at http://[redacted]@host',
      cause: [{ message: 'redis://[redacted]@host refused' }],
    });
    expect(JSON.stringify(redacted)).not.toContain(SECRET);
  });

  it('ends on a value that contains itself', () => {
    const fields: Record<string, unknown> = { name: 'loop' };
    fields.self = fields;
    expect(JSON.stringify(redactFields(fields))).toContain('[too deep]');
  });
});

describe('redactText', () => {
  it('hides user and password of every URL and nothing else', () => {
    expect(redactText(`from redis://u:${SECRET}@a:1/0 to amqps://${SECRET}@b, mail x@y`)).toBe(
      'from redis://[redacted]@a:1/0 to amqps://[redacted]@b, mail x@y',
    );
    expect(redactText(`http://u:p@${SECRET}@host/path`)).toBe('http://[redacted]@host/path');
    expect(redactText('http://host/path?mail=x@y')).toBe('http://host/path?mail=x@y');
  });

  it('stays quick on hostile text and bounds its length', () => {
    const startMs = performance.now();
    for (const unit of ['a', 'a://', '://', '@', 'a:@']) {
      expect(redactText(`${unit.repeat(200_000)}://`).length).toBeLessThan(40_000);
    }
    expect(performance.now() - startMs).toBeLessThan(1_000);
  });
});
