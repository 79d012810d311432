/** Types of bad-records.mjs, for the TypeScript that imports it. */
import type { BadKind, CreditApplication } from './generate.mjs';

/** Avro single-object header of event.avsc: C3 01 and its CRC-64-AVRO fingerprint. */
export declare const SINGLE_OBJECT_HEADER: Buffer;
export declare const BAD_KINDS: readonly BadKind[];
export declare function makeBadRecord(kind: BadKind, event: CreditApplication): Buffer;
