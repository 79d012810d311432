/** The text of a schema document, within its limit, as parsed JSON. */
import { CodedError } from '../../core/errors.ts';
import { SCHEMA_BYTES_MAX } from '../../core/limits.ts';

/** Throws `decode.unknown-schema` naming `what`. */
export function parseSchemaDocument(text: string, what: string): unknown {
  if (text.length > SCHEMA_BYTES_MAX) throw tooLarge(what);
  let schema: unknown;
  try {
    schema = JSON.parse(text);
  } catch (error) {
    // Some registries keep a primitive schema as its bare name.
    if (/^[a-z]+$/.test(text)) return text;
    throw unusable(`${what} is not JSON: ${(error as Error).message}`);
  }
  if (schema === null) throw unusable(`${what} is null, expected an Avro schema`);
  return schema;
}

export function tooLarge(what: string): CodedError {
  return unusable(`${what} is longer than ${SCHEMA_BYTES_MAX} bytes`);
}

export function unusable(message: string): CodedError {
  return new CodedError('decode.unknown-schema', message);
}
