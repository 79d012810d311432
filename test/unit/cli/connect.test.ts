import { describe, expect, it } from 'vitest';
import { type ConnectOptions, connect } from '../../../services/cli/connect.ts';
import type { Bundle } from '../../../services/platform/config/load-bundle.ts';

function connectWith(environment: ConnectOptions['environment']) {
  return connect({
    environment,
    logLevel: 'silent',
    serviceName: 'test',
    brokers: '127.0.0.1:1',
    redisUrl: null,
    schemaRegistryUrl: null,
    bundle: { schemaDirectory: null } as Bundle,
  });
}

describe('Kafka from the environment', () => {
  it.each([
    {},
    { KAFKA_SESSION_TIMEOUT_MS: '6000' },
    { KAFKA_SESSION_TIMEOUT_MS: '300000' },
    { KAFKA_COMPRESSION: 'gzip' },
    { KAFKA_COMPRESSION: 'snappy' },
    { KAFKA_COMPRESSION: 'lz4' },
    { KAFKA_COMPRESSION: 'zstd' },
    { KAFKA_COMPRESSION: 'none' },
  ])('takes %j', async (environment) => {
    await connectWith(environment).close();
  });

  it.each(['5999', '300001', '30s', '', '-6000', '6000.5', '1e4', 'NaN'])(
    'refuses the session timeout %j and names the bounds',
    (text) => {
      expect(() => connectWith({ KAFKA_SESSION_TIMEOUT_MS: text })).toThrow(
        `KAFKA_SESSION_TIMEOUT_MS is ${text}, expected a whole number from 6000 to 300000`,
      );
    },
  );

  it('refuses a compression it does not know and names those it does', () => {
    expect(() => connectWith({ KAFKA_COMPRESSION: 'brotli' })).toThrow(
      'KAFKA_COMPRESSION is brotli, expected one of none, gzip, snappy, lz4, zstd',
    );
  });
});
