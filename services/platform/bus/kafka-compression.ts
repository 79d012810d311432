/**
 * Compression as kafkajs knows it: our codecs take the place of its own, for reading and for writing,
 * and each is tried once per process before the first connection. A codec that does not work here
 * must show when a service starts, not when some producer begins to use it.
 *
 * A batch that cannot be expanded, or only to more than `RECORD_BATCH_BYTES_MAX`, is refused with
 * `bus.codec`. The reader then ends: records behind it must not be counted as if it had been read.
 */
// Node finds only the first few names that this module exports.
import kafkajs, { type CompressionTypes } from 'kafkajs';
import { CodedError } from '../../core/errors.ts';
import { RECORD_BATCH_BYTES_MAX } from '../../core/limits.ts';
import { KAFKA_CODECS, type KafkaCodec, type KafkaCodecName } from './kafka-codec.ts';

/** By Kafka's names, at the numbers Kafka gives them. */
export const KAFKA_COMPRESSIONS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;

export type KafkaCompression = (typeof KAFKA_COMPRESSIONS)[number];

/** The number of a compression in the attributes of a record batch. */
export function compressionType(compression: KafkaCompression): CompressionTypes {
  return KAFKA_COMPRESSIONS.indexOf(compression);
}

/**
 * "tidegauge " eight times: as the programs gzip, lz4 and zstd compress it, and by hand after the
 * description of the format a snappy block (80 bytes: ten literal ones, copies of 64 and of 6 from
 * ten before), bare and in xerial's framing.
 */
const KNOWN_TEXT = 'tidegauge '.repeat(8);
const KNOWN_BYTES: readonly (readonly [codec: KafkaCodecName, hex: string])[] = [
  ['gzip', '1f8b08000000000002032bc94c494d4f2c4d4f5528a10a0b006d3cd68850000000'],
  ['snappy', '502474696465676175676520fe0a00090a'],
  ['snappy', '82534e4150505900000000010000000100000011502474696465676175676520fe0a00090a'],
  ['lz4', '04224d186440a714000000af746964656761756765200a002e50617567652000000000b156dde7'],
  ['zstd', '28b52ffd04588d00005074696465676175676520010053b4200114d1a455'],
];

/** Not compressible by repeating itself, and longer than a block of xerial's. */
const TRIAL = Buffer.from(Array.from({ length: 100_000 }, (_, index) => (index * index) >> 7));

let ready: Promise<void> | null = null;

/** Rejects with `bus.codec`, naming the codec and the cause, and then does so for ever. */
export function prepareKafkaCompression(): Promise<void> {
  ready ??= testKafkaCodecs(KAFKA_CODECS).then(() => registerCodecs());
  return ready;
}

/** Every codec reads what others wrote and what it wrote itself. */
export async function testKafkaCodecs(
  codecs: Readonly<Record<KafkaCodecName, KafkaCodec>>,
): Promise<void> {
  for (const [name, hex] of KNOWN_BYTES) {
    await trial(name, 'a known text', async () => {
      const text = await codecs[name].decompress(Buffer.from(hex, 'hex'), RECORD_BATCH_BYTES_MAX);
      return text.toString() === KNOWN_TEXT;
    });
  }
  for (const [name, codec] of Object.entries(codecs)) {
    await trial(name, 'what it compressed', async () => {
      const compressed = await codec.compress(TRIAL);
      return (await codec.decompress(compressed, RECORD_BATCH_BYTES_MAX)).equals(TRIAL);
    });
  }
}

async function trial(name: string, of: string, test: () => Promise<boolean>): Promise<void> {
  try {
    if (!(await test())) throw new Error('it comes out different');
  } catch (cause) {
    const what = `${name} compression does not work here: reading ${of}`;
    throw new CodedError('bus.codec', `${what}: ${messageOf(cause)}`, { cause });
  }
}

/** The typings know of gzip only. */
const codecsOfKafkajs: Partial<Record<CompressionTypes, () => unknown>> = kafkajs.CompressionCodecs;

/**
 * kafkajs tries again, in vain, whatever does not say that it is not worth it; and of an error with a
 * cause it keeps the cause only, so this one has none.
 */
class RefusedBatch extends CodedError {
  readonly retriable = false;
}

function registerCodecs(): void {
  for (const [name, codec] of Object.entries(KAFKA_CODECS)) {
    const registered = {
      compress: ({ buffer }: { readonly buffer: Buffer }) => codec.compress(buffer),
      decompress: (bytes: Buffer) =>
        codec.decompress(bytes, RECORD_BATCH_BYTES_MAX).catch((cause: unknown) => {
          const what = `a batch of records compressed with ${name} cannot be read`;
          throw new RefusedBatch('bus.codec', `${what}: ${messageOf(cause)}`);
        }),
    };
    codecsOfKafkajs[compressionType(name as KafkaCodecName)] = () => registered;
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
