/** `tg-origin`: where the chain of derived records began, and the rule that drops repeats. */
import { HEADER, headerBytes, headerText } from './header.ts';
import type { BusRecord } from './record.ts';

export interface Origin {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

export function encodeOrigin(origin: Origin): Uint8Array {
  return headerBytes(`${origin.topic}:${origin.partition}:${origin.offset}`);
}

/** `null` where the text is not an origin. Kafka topic names hold no colon. */
export function parseOrigin(text: string): Origin | null {
  const match = /^([a-zA-Z0-9._-]{1,249}):(\d{1,10}):(\d{1,16})$/.exec(text);
  if (match === null) return null;
  const offset = Number(match[3]);
  if (!Number.isSafeInteger(offset)) return null;
  return { topic: match[1]!, partition: Number(match[2]), offset };
}

/** The origin a record carries, or the record itself where it starts the chain. */
export function originOf(record: BusRecord): Origin {
  const text = headerText(record.headers, HEADER.origin);
  const carried = text === null ? null : parseOrigin(text);
  return carried ?? { topic: record.topic, partition: record.partition, offset: record.offset };
}
