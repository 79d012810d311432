/**
 * Passes over Avro values nobody asked for, within the same limits as reading them but without
 * judging their content: a long may be of any size, a string any bytes.
 *
 * Neighbouring values of a fixed width are passed over in one step.
 */
import type { AvroCursor } from './avro-cursor.ts';
import type { AvroNode, RecordNode } from './avro-schema.ts';

export type Skip = (cursor: AvroCursor) => void;

export class SkipCompiler {
  readonly #records = new Map<AvroNode, Skip>();

  compile(node: AvroNode): Skip {
    switch (node.kind) {
      case 'int':
      case 'long':
      case 'enum':
        return skipLong;
      case 'bytes':
      case 'string':
        return skipLengthPrefixed;
      case 'union': {
        const branches = node.branches.map((branch) => this.compile(branch));
        const count = branches.length;
        return (cursor) => branches[cursor.readIndex(count, 'a union')]!(cursor);
      }
      case 'array':
        return blockSkip(this.compile(node.items));
      case 'map': {
        const skipValue = this.compile(node.values);
        return blockSkip((cursor) => {
          cursor.skipLengthPrefixed();
          skipValue(cursor);
        });
      }
      case 'record':
        return this.#record(node);
      default:
        return fixedSkip(fixedByteLength(node)!);
    }
  }

  /** Steps that together pass over values of these types, one after the other. */
  sequence(nodes: readonly AvroNode[]): Skip[] {
    const steps: Skip[] = [];
    let pendingBytes = 0;
    for (const node of nodes) {
      const byteLength = fixedByteLength(node);
      if (byteLength !== null) {
        pendingBytes += byteLength;
        continue;
      }
      if (pendingBytes > 0) steps.push(fixedSkip(pendingBytes));
      pendingBytes = 0;
      steps.push(this.compile(node));
    }
    if (pendingBytes > 0) steps.push(fixedSkip(pendingBytes));
    return steps;
  }

  #record(record: RecordNode): Skip {
    const known = this.#records.get(record);
    if (known !== undefined) return known;
    const steps: Skip[] = [];
    const skip = recordSkip(steps);
    // Before its fields, which may refer back to it.
    this.#records.set(record, skip);
    steps.push(...this.sequence(record.fields.map((field) => field.node)));
    return skip;
  }
}

/** Bytes of a value whose width does not depend on it, else `null`. */
function fixedByteLength(node: AvroNode): number | null {
  switch (node.kind) {
    case 'null':
      return 0;
    case 'boolean':
      return 1;
    case 'float':
      return 4;
    case 'double':
      return 8;
    case 'fixed':
      return node.byteLength;
    default:
      return null;
  }
}

function skipLong(cursor: AvroCursor): void {
  cursor.readLong();
}

function skipLengthPrefixed(cursor: AvroCursor): void {
  cursor.skipLengthPrefixed();
}

function fixedSkip(byteLength: number): Skip {
  return (cursor) => cursor.skip(byteLength);
}

function blockSkip(skipItem: Skip): Skip {
  return (cursor) => {
    cursor.enter();
    for (let count = cursor.skipBlock(); count > 0; count = cursor.skipBlock()) {
      for (let i = 0; i < count; i++) skipItem(cursor);
    }
    cursor.leave();
  };
}

function recordSkip(steps: readonly Skip[]): Skip {
  return (cursor) => {
    const start = cursor.position;
    cursor.enter();
    for (let i = 0; i < steps.length; i++) steps[i]!(cursor);
    cursor.leave();
    // Records without bytes can double at each level of a schema; the others are paid for in bytes.
    if (cursor.position === start) cursor.takeItems(1);
  };
}
