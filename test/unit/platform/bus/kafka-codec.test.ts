import { gzipSync } from 'node:zlib';
import { compressFrameSync } from 'lz4-napi';
import { compressSync } from 'snappy';
import { describe, expect, it } from 'vitest';
import {
  KAFKA_CODECS,
  type KafkaCodec,
  type KafkaCodecName,
} from '../../../../services/platform/bus/kafka-codec.ts';
import {
  compressionType,
  KAFKA_COMPRESSIONS,
  prepareKafkaCompression,
  testKafkaCodecs,
} from '../../../../services/platform/bus/kafka-compression.ts';

const NAMES = Object.keys(KAFKA_CODECS) as KafkaCodecName[];
const MEBIBYTE = 1_048_576;

describe.each(NAMES)('%s', (name) => {
  const codec = KAFKA_CODECS[name];

  it.each([0, 1, 31, 32 * 1_024, 32 * 1_024 + 1, 300_000])('brings back %i bytes', async (size) => {
    const bytes = Buffer.from(Array.from({ length: size }, (_, index) => (index * index) >> 9));
    const compressed = await codec.compress(bytes);
    expect((await codec.decompress(compressed, MEBIBYTE)).equals(bytes)).toBe(true);
  });

  it('makes repetition smaller', async () => {
    expect((await codec.compress(Buffer.alloc(100_000, 'tide '))).length).toBeLessThan(10_000);
  });

  it('refuses what expands beyond the limit, and takes what just fits', async () => {
    const bomb = await codec.compress(Buffer.alloc(4 * MEBIBYTE));
    await expect(codec.decompress(bomb, 4 * MEBIBYTE - 1)).rejects.toThrow('expands to more than');
    expect(await codec.decompress(bomb, 4 * MEBIBYTE)).toHaveLength(4 * MEBIBYTE);
  });

  it('refuses bytes that are cut or of something else', async () => {
    const whole = await codec.compress(
      Buffer.from(Array.from({ length: 9_999 }, (_, i) => i % 251)),
    );
    for (const bytes of [
      whole.subarray(0, whole.length / 2),
      Buffer.from('not compressed at all'),
    ]) {
      await expect(codec.decompress(bytes, MEBIBYTE)).rejects.toThrow();
    }
  });
});

describe('framings', () => {
  it('reads snappy bare, as librdkafka writes it', async () => {
    const bare = compressSync(Buffer.from('tide'));
    expect(String(await KAFKA_CODECS.snappy.decompress(bare, 100))).toBe('tide');
  });

  it('adds up the blocks of a snappy batch before it expands them', async () => {
    const batch = await KAFKA_CODECS.snappy.compress(Buffer.alloc(200_000));
    await expect(KAFKA_CODECS.snappy.decompress(batch, 199_999)).rejects.toThrow('expands');
  });

  it('measures an LZ4 frame with checksums by its blocks', async () => {
    const bytes = Buffer.alloc(500_000, 'tide gauge ');
    const frame = compressFrameSync(bytes, { blockChecksums: true, contentChecksum: true });
    expect((await KAFKA_CODECS.lz4.decompress(frame, 600_000)).equals(bytes)).toBe(true);
    await expect(KAFKA_CODECS.lz4.decompress(frame, 400_000)).rejects.toThrow('expands');
  });

  it('reads a Zstandard frame that does not say how long it is', async () => {
    // `printf 'tide ' | zstd -c`, which reads a pipe and cannot know.
    const frame = Buffer.from('28b52ffd045829000074696465204f54a634', 'hex');
    expect(String(await KAFKA_CODECS.zstd.decompress(frame, 5))).toBe('tide ');
  });

  it('writes gzip that anybody reads', async () => {
    const read = await KAFKA_CODECS.gzip.decompress(gzipSync('tide'), 4);
    expect(String(read)).toBe('tide');
  });
});

describe('the trial before the first connection', () => {
  it('passes here', async () => {
    await prepareKafkaCompression();
  });

  it.each(NAMES)('names %s when it does not load', async (name) => {
    const broken: KafkaCodec = {
      compress: () => Promise.reject(new Error('no such library')),
      decompress: () => Promise.reject(new Error('no such library')),
    };
    await expect(testKafkaCodecs({ ...KAFKA_CODECS, [name]: broken })).rejects.toMatchObject({
      code: 'bus.codec',
      message: expect.stringMatching(`^${name} compression does not work here.*no such library`),
    });
  });

  it.each(NAMES)('names %s when its bytes come out different', async (name) => {
    const asItIs = async (bytes: Buffer) => bytes;
    const broken: KafkaCodec = { compress: asItIs, decompress: asItIs };
    await expect(testKafkaCodecs({ ...KAFKA_CODECS, [name]: broken })).rejects.toMatchObject({
      code: 'bus.codec',
      message: expect.stringContaining('it comes out different'),
    });
  });
});

it('numbers compressions as Kafka does', () => {
  expect(KAFKA_COMPRESSIONS.map(compressionType)).toEqual([0, 1, 2, 3, 4]);
});
