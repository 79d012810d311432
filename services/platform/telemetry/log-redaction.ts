/**
 * Takes secrets out of what is about to be logged: the values of telling field names, at any depth
 * that is written, and the user and password of a URL inside any text.
 *
 * A second line of defence: a service must not hand secrets to the logger in the first place.
 */
const REDACTED = '[redacted]';
const DEPTH_MAX = 6;
const ITEMS_MAX = 100;
const TEXT_LENGTH_MAX = 8_192;

/** Compared in lower case without `-` and `_`; a longer name that ends in one counts too. */
const SECRET_NAME =
  /(?:password|passwd|passphrase|secret|token|authorization|cookie|sasl|credentials?|apikey|privatekey|routingkey|accesskey)$/;
/** Bounded and without overlapping parts, so that no text makes it slow. */
const URL_USER = /([a-z][a-z0-9+.-]{0,30}:\/\/)[^\s/?#"']*@/gi;

export function redactFields(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return redactRecord(fields, 0);
}

export function redactText(text: string): string {
  const bounded = text.length > TEXT_LENGTH_MAX ? `${text.slice(0, TEXT_LENGTH_MAX)}… (cut)` : text;
  return bounded.includes('://') ? bounded.replace(URL_USER, `$1${REDACTED}@`) : bounded;
}

function redactRecord(record: Readonly<Record<string, unknown>>, depth: number) {
  const result: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(record)) {
    result[name] = isSecretName(name) ? REDACTED : redactValue(value, depth + 1);
  }
  return result;
}

function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name.toLowerCase().replace(/[-_]/g, ''));
}

function redactValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return value;
  if (depth > DEPTH_MAX) return '[too deep]';
  if (value instanceof Error) return redactError(value, depth);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (Array.isArray(value)) {
    const kept = value.slice(0, ITEMS_MAX).map((item) => redactValue(item, depth + 1));
    return value.length > ITEMS_MAX ? [...kept, `[${value.length - ITEMS_MAX} more]`] : kept;
  }
  if (value instanceof Map) return redactRecord(Object.fromEntries(value), depth);
  if (value instanceof Set) return redactValue([...value], depth);
  return redactRecord(value as Record<string, unknown>, depth);
}

function redactError(error: Error, depth: number): Record<string, unknown> {
  const causes = error instanceof AggregateError ? error.errors : error.cause;
  return {
    type: error.name,
    ...('code' in error ? { code: redactValue(error.code, depth + 1) } : {}),
    message: redactText(error.message),
    ...(error.stack === undefined ? {} : { stack: redactText(error.stack) }),
    ...(causes === undefined ? {} : { cause: redactValue(causes, depth + 1) }),
  };
}
