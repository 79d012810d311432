/**
 * The closed table of everything that can go wrong with an input, a dependency or a configuration.
 *
 * A code is documented here once, used as the metric label and as `tg-error-rule`, and never
 * guessed from a message's text. *Permanent*: the same input fails the same way, so it goes to
 * quarantine. *Transient*: worth a bounded retry. *Fatal*: the service must not start or go on.
 */

export type ErrorKind = 'permanent' | 'transient' | 'fatal';

/** The `tg-error-class` header: which part of the contract an event broke. */
export type ErrorClass =
  | 'decode'
  | 'schema'
  | 'time'
  | 'invariant'
  | 'inference'
  | 'control'
  | 'internal'
  | 'dependency'
  | 'configuration';

interface ErrorDefinition {
  readonly kind: ErrorKind;
  readonly class: ErrorClass;
  readonly meaning: string;
}

export const ERRORS = {
  'decode.empty': { kind: 'permanent', class: 'decode', meaning: 'the record has no value' },
  'decode.too-large': {
    kind: 'permanent',
    class: 'decode',
    meaning: 'the value is longer than the event size limit',
  },
  'decode.unknown-format': {
    kind: 'permanent',
    class: 'decode',
    meaning: 'the bytes are neither Avro single-object, Confluent wire format nor JSON',
  },
  'decode.unknown-schema': {
    kind: 'permanent',
    class: 'decode',
    meaning: 'the writer schema named in the bytes is not known',
  },
  'decode.truncated': {
    kind: 'permanent',
    class: 'decode',
    meaning: 'the bytes end before the value does',
  },
  'decode.trailing-bytes': {
    kind: 'permanent',
    class: 'decode',
    meaning: 'bytes are left after the value',
  },
  'decode.malformed': {
    kind: 'permanent',
    class: 'decode',
    meaning: 'the bytes are not a valid encoding of the schema',
  },
  'decode.limit': {
    kind: 'permanent',
    class: 'decode',
    meaning: 'the value expands beyond the item or depth limit',
  },
  'decode.json-syntax': {
    kind: 'permanent',
    class: 'decode',
    meaning: 'the bytes are not valid JSON',
  },
  'schema.incompatible': {
    kind: 'permanent',
    class: 'schema',
    meaning: 'the writer schema cannot be resolved against the event schema of the bundle',
  },
  'schema.type': {
    kind: 'permanent',
    class: 'schema',
    meaning: 'a field has a value of another type than the event schema says',
  },
  'schema.missing-field': {
    kind: 'permanent',
    class: 'schema',
    meaning: 'a field without a default is absent',
  },
  'schema.unsafe-long': {
    kind: 'permanent',
    class: 'schema',
    meaning: 'a long is beyond 2^53-1 and would lose precision',
  },
  'time.invalid': {
    kind: 'permanent',
    class: 'time',
    meaning: 'the event time cannot be read as an instant',
  },
  'time.out-of-range': {
    kind: 'permanent',
    class: 'time',
    meaning: 'the event time is before 1970, or in 2100 or later',
  },
  'time.future': {
    kind: 'permanent',
    class: 'time',
    meaning: 'the event time is further ahead of the record timestamp than the future skew allows',
  },
  'invariant.id': {
    kind: 'permanent',
    class: 'invariant',
    meaning: 'the event has no id, or one longer than the limit',
  },
  'invariant.required': {
    kind: 'permanent',
    class: 'invariant',
    meaning: 'a required column is missing',
  },
  'invariant.range': {
    kind: 'permanent',
    class: 'invariant',
    meaning: 'a value is outside the range of its column',
  },
  'invariant.not-finite': {
    kind: 'permanent',
    class: 'invariant',
    meaning: 'a value is NaN or infinite where the column asks for a range',
  },
  'invariant.allowed': {
    kind: 'permanent',
    class: 'invariant',
    meaning: 'a value is not among the allowed values of its column',
  },
  'invariant.pattern': {
    kind: 'permanent',
    class: 'invariant',
    meaning: 'a value does not match the pattern of its column',
  },
  'invariant.relation': {
    kind: 'permanent',
    class: 'invariant',
    meaning: 'a relation between columns does not hold',
  },
  'internal.failure': {
    kind: 'permanent',
    class: 'internal',
    meaning: 'a service failed on this record in a way nobody foresaw',
  },
  'control.unexpected': {
    kind: 'permanent',
    class: 'control',
    meaning: 'a control record outside a replay run',
  },
  'inference.input': {
    kind: 'permanent',
    class: 'inference',
    meaning: 'a model input is missing or not of its type',
  },
  'inference.run': {
    kind: 'permanent',
    class: 'inference',
    meaning: 'the model failed on this row',
  },
  'inference.output': {
    kind: 'permanent',
    class: 'inference',
    meaning: 'the model gave a NaN or infinite output',
  },
  'inference.deadline': {
    kind: 'permanent',
    class: 'inference',
    meaning: 'the deadline passed before the model answered',
  },
  'inference.circuit': {
    kind: 'permanent',
    class: 'inference',
    meaning: 'the model version failed too often and is not asked for a while',
  },
  'inference.worker': {
    kind: 'transient',
    class: 'inference',
    meaning: 'the thread that ran the model ended or is stuck; the batch runs again elsewhere',
  },
  'inference.overload': {
    kind: 'transient',
    class: 'inference',
    meaning: 'the queue of the model version is full',
  },
  'dependency.bus': {
    kind: 'transient',
    class: 'dependency',
    meaning: 'the message bus did not answer',
  },
  'dependency.store': {
    kind: 'transient',
    class: 'dependency',
    meaning: 'the state store did not answer',
  },
  'dependency.store-unknown': {
    kind: 'transient',
    class: 'dependency',
    meaning: 'a commit was sent and its outcome is unknown',
  },
  'dependency.registry': {
    kind: 'transient',
    class: 'dependency',
    meaning: 'the schema registry did not answer',
  },
  'state.lost': {
    kind: 'transient',
    class: 'dependency',
    meaning: 'the state store was emptied or has gone back in time; state is rebuilt from the log',
  },
  'bus.truncated': {
    kind: 'fatal',
    class: 'dependency',
    meaning: 'the event log ends before what was already read of it',
  },
  'bus.codec': {
    kind: 'fatal',
    class: 'configuration',
    meaning: 'a compression codec does not work here, or cannot expand a batch within the limit',
  },
  'state.corrupt': {
    kind: 'fatal',
    class: 'dependency',
    meaning: 'bytes of ours read back from the bus or the store are not what was written',
  },
  'configuration.invalid': {
    kind: 'fatal',
    class: 'configuration',
    meaning: 'a file of the bundle, an option or an environment variable is wrong',
  },
  'configuration.model': {
    kind: 'fatal',
    class: 'configuration',
    meaning: 'the model cannot be loaded or does not fit the monitor',
  },
} as const satisfies Record<string, ErrorDefinition>;

export type ErrorCode = keyof typeof ERRORS;

/** An error with a code of the table. `message` names what, where and what was expected. */
export class CodedError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CodedError';
    this.code = code;
  }
}

/** What a pure step returns instead of throwing when an input is at fault. */
export interface Rejection {
  readonly code: ErrorCode;
  /** What was found, where, and what was expected; safe to log, at most `REJECTION_MESSAGE_LENGTH_MAX` characters. */
  readonly message: string;
}

export function isTransient(error: unknown): boolean {
  return error instanceof CodedError && ERRORS[error.code].kind === 'transient';
}
