/**
 * Where kafkajs 2.2.4 is mended: methods of its own classes are replaced, for every client of the process.
 * Each mend has a file that says what kafkajs does without it.
 */
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const mended = new Set<unknown>();

/** A module of its own, by its path in kafkajs's sources. */
export function kafkajsModule<T>(path: string): T {
  return require(`kafkajs/src/${path}`) as T;
}

/** Once per process, however often it is asked for; before the first client that needs it. */
export function mendKafkajs<Prototype>(path: string, mend: (prototype: Prototype) => void): void {
  if (mended.has(mend)) return;
  mended.add(mend);
  mend(kafkajsModule<{ readonly prototype: Prototype }>(path).prototype);
}
