/**
 * Reads only the mapped paths of an Avro record into slots and passes over everything else: what a
 * monitor without relations needs of an event, at a fraction of the cost of building it.
 *
 * Slots nobody writes to keep what the caller put there: a path under an absent record is missing.
 */

import type { FieldPath } from '../monitor/monitor.ts';
import type { AvroCursor } from './avro-cursor.ts';
import { type ReadValue, ValueCompiler } from './avro-reader.ts';
import type { AvroNode, MapNode, RecordNode } from './avro-schema.ts';
import { type Skip, SkipCompiler } from './avro-skipper.ts';
import { valueAt } from './plain-path.ts';
import { readersByWriterField, type SchemaResolution } from './schema-resolution.ts';

export type ReadSlots = (cursor: AvroCursor, slots: unknown[]) => void;

/** The mapped paths as a tree; a slot is an index into `paths`. */
interface PathTree {
  readonly slots: readonly number[];
  readonly children: ReadonlyMap<string, PathTree>;
}

interface RemainingPath {
  readonly slot: number;
  readonly path: FieldPath;
}

function pathTree(paths: readonly RemainingPath[]): PathTree {
  const byField = new Map<string, RemainingPath[]>();
  for (const { slot, path } of paths) {
    const [field, ...rest] = path;
    if (field === undefined) continue;
    const below = byField.get(field) ?? [];
    below.push({ slot, path: rest });
    byField.set(field, below);
  }
  return {
    slots: paths.filter(({ path }) => path.length === 0).map(({ slot }) => slot),
    children: new Map([...byField].map(([field, below]) => [field, pathTree(below)])),
  };
}

function slotsBelow(tree: PathTree): readonly number[] {
  return [...tree.slots, ...[...tree.children.values()].flatMap(slotsBelow)];
}

/** The pair must have been found compatible; `paths` lead to scalars of `reader`. */
export function compileMappedReader(options: {
  readonly writer: AvroNode;
  readonly reader: AvroNode;
  readonly resolution: SchemaResolution;
  readonly paths: readonly FieldPath[];
}): ReadSlots {
  const { writer, reader, resolution, paths } = options;
  const skips = new SkipCompiler();
  const values = new ValueCompiler(resolution, skips);
  return compile(writer, reader, pathTree(paths.map((path, slot) => ({ slot, path }))));

  function compile(from: AvroNode, to: AvroNode, tree: PathTree): ReadSlots {
    if (tree.children.size === 0) return slotReader(values.compile(from, to), tree.slots);
    if (from.kind === 'union') {
      const branches = from.branches.map((branch) => compile(branch, to, tree));
      const count = branches.length;
      return (cursor, slots) => branches[cursor.readIndex(count, 'a union')]!(cursor, slots);
    }
    if (to.kind === 'union') return compile(from, resolution.branchFor(from, to.branches)!, tree);
    if (from.kind === 'record' && to.kind === 'record') return compileRecord(from, to, tree);
    if (from.kind === 'map' && to.kind === 'map') return compileMap(from, to, tree);
    return skips.compile(from);
  }

  function compileRecord(from: RecordNode, to: RecordNode, tree: PathTree): ReadSlots {
    const steps: ReadSlots[] = [];
    const readers = readersByWriterField(from, to);
    const filled = new Set([...readers.values()].flat());
    for (const field of to.fields) {
      const wanted = tree.children.get(field.name);
      if (wanted !== undefined && !filled.has(field)) {
        steps.push(...defaultSteps(field.defaultValue, wanted));
      }
    }
    let unwanted: AvroNode[] = [];
    for (const { name, node } of from.fields) {
      const [first, ...others] = readers
        .get(name)!
        .filter((field) => tree.children.has(field.name))
        .map((field) => compile(node, field.node, tree.children.get(field.name)!));
      if (first === undefined) {
        unwanted.push(node);
        continue;
      }
      steps.push(...skips.sequence(unwanted), ...others.map(peekSlots), first);
      unwanted = [];
    }
    steps.push(...skips.sequence(unwanted));
    return (cursor, slots) => {
      cursor.enter();
      for (let i = 0; i < steps.length; i++) steps[i]!(cursor, slots);
      cursor.leave();
    };
  }

  /** A key may come twice, and the last one counts, with what it lacks. */
  function compileEntry(from: MapNode, to: MapNode, tree: PathTree): ReadSlots {
    const read = compile(from.values, to.values, tree);
    const below = slotsBelow(tree);
    return (cursor, slots) => {
      for (const slot of below) slots[slot] = null;
      read(cursor, slots);
    };
  }

  function compileMap(from: MapNode, to: MapNode, tree: PathTree): ReadSlots {
    const skipValue: Skip = skips.compile(from.values);
    const readers = new Map(
      [...tree.children].map(([key, wanted]) => [key, compileEntry(from, to, wanted)]),
    );
    return (cursor, slots) => {
      cursor.enter();
      for (let count = cursor.readBlock(); count > 0; count = cursor.readBlock()) {
        const { blockEnd } = cursor;
        for (let i = 0; i < count; i++) {
          const read = readers.get(cursor.readString());
          if (read === undefined) skipValue(cursor);
          else read(cursor, slots);
        }
        cursor.closeBlock(blockEnd);
      }
      cursor.leave();
    };
  }
}

function slotReader(read: ReadValue, [slot, ...others]: readonly number[]): ReadSlots {
  if (slot === undefined) return (cursor) => void read(cursor);
  if (others.length === 0) {
    return (cursor, slots) => {
      slots[slot] = read(cursor);
    };
  }
  return (cursor, slots) => {
    const value = read(cursor);
    slots[slot] = value;
    for (const other of others) slots[other] = value;
  };
}

function peekSlots(read: ReadSlots): ReadSlots {
  return (cursor, slots) => {
    const start = cursor.position;
    read(cursor, slots);
    cursor.position = start;
  };
}

/** For a field the writer does not have: the reader's default goes into the slots below it. */
function defaultSteps(defaultValue: unknown, tree: PathTree): ReadSlots[] {
  const constants: [number, unknown][] = [];
  collect(tree, []);
  return constants.map(([slot, value]) => (_cursor, slots) => {
    slots[slot] = value;
  });

  function collect(below: PathTree, path: FieldPath): void {
    for (const slot of below.slots) constants.push([slot, valueAt(defaultValue, path)]);
    for (const [field, child] of below.children) collect(child, [...path, field]);
  }
}
