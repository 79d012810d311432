/**
 * The nodes of `ensemble.yaml` as written, and what they stand for. A mistake is put into the list with
 * its place, and what it concerns is left out.
 */
import {
  COMBINED_TENSOR,
  type EnsembleNode,
  type TensorReference,
} from '../../core/ensemble/ensemble-spec.ts';
import { suggestion } from '../../core/monitor/nearest.ts';
import { type DocumentPath, describeValue, type ProblemList } from './problem.ts';

export type Mapping = Readonly<Record<string, unknown>>;

const KINDS = ['model', 'mean', 'weighted', 'vote', 'first'] as const;
const NODE_NAME = /^[A-Za-z_][A-Za-z0-9_-]*$/;

export function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export class EnsembleNodeReader {
  readonly #list: ProblemList;
  readonly #names: readonly string[];
  readonly #nodes: Mapping;

  constructor(list: ProblemList, nodes: Mapping) {
    this.#list = list;
    this.#nodes = nodes;
    this.#names = Object.keys(nodes);
  }

  /** `node.tensor`, or the name of a combiner alone. */
  reference(
    written: unknown,
    at: DocumentPath,
    part: 'key' | 'value' = 'value',
  ): TensorReference | null {
    const fail = (message: string): null => {
      this.#list.add(at, message, part);
      return null;
    };
    if (typeof written !== 'string') {
      return fail(`found ${describeValue(written)}, expected node.tensor`);
    }
    const dot = written.indexOf('.');
    const node = dot < 0 ? written : written.slice(0, dot);
    const tensor = dot < 0 ? '' : written.slice(dot + 1);
    if (!Object.hasOwn(this.#nodes, node)) {
      return fail(`there is no node ${node}${suggestion(node, this.#names)}`);
    }
    const body = this.#nodes[node];
    const isModel = isMapping(body) && 'model' in body;
    if (isModel && tensor === '') {
      return fail(`${node} is a model, expected the name of its output: ${node}.<output>`);
    }
    if (!isModel && tensor !== '' && tensor !== COMBINED_TENSOR) {
      return fail(`${node} has one output, expected ${node} alone`);
    }
    return { node, tensor: isModel ? tensor : COMBINED_TENSOR };
  }

  references(written: unknown, at: DocumentPath): readonly TensorReference[] {
    if (!Array.isArray(written) || written.length === 0) {
      this.#list.add(at, `found ${describeValue(written)}, expected a list of node.tensor`);
      return [];
    }
    return written.flatMap((each, index) => this.reference(each, [...at, index]) ?? []);
  }

  node(name: string, body: unknown): EnsembleNode | null {
    const at = ['nodes', name];
    if (!NODE_NAME.test(name)) {
      this.#list.add(at, 'a node is named by letters, digits, _ and -', 'key');
    }
    const kinds = isMapping(body) ? KINDS.filter((kind) => kind in body) : [];
    const [kind] = kinds;
    if (!isMapping(body) || kind === undefined || kinds.length > 1) {
      const found = kinds.length > 1 ? kinds.join(' and ') : describeValue(body);
      this.#list.add(at, `found ${found}, expected one of ${KINDS.join(', ')}`);
      return null;
    }
    const known: readonly string[] = kind === 'model' ? ['model', 'inputs'] : [kind];
    for (const key of Object.keys(body)) {
      if (known.includes(key)) continue;
      this.#list.add([...at, key], `unknown key${suggestion(key, known)}`, 'key');
    }
    if (kind === 'model') return this.#model(name, body);
    if (kind === 'weighted') return this.#weighted(name, body[kind]);
    return { kind, name, members: this.references(body[kind], [...at, kind]) };
  }

  #model(name: string, body: Mapping): EnsembleNode {
    const at = ['nodes', name];
    const file = body.model;
    const isName = typeof file === 'string' && /^[^/\\]+$/.test(file) && !/^\.+$/.test(file);
    if (!isName) {
      const found = describeValue(file);
      this.#list.add(
        [...at, 'model'],
        `found ${found}, expected the name of a file beside this one`,
      );
    }
    const written = body.inputs ?? {};
    if (!isMapping(written)) {
      const found = describeValue(written);
      this.#list.add([...at, 'inputs'], `found ${found}, expected a mapping of inputs`);
      return { kind: 'model', name, file: String(file), inputs: new Map() };
    }
    const inputs = new Map(
      Object.entries(written).map(([input, each]) => [
        input,
        this.references(each, [...at, 'inputs', input]),
      ]),
    );
    return { kind: 'model', name, file: String(file), inputs };
  }

  #weighted(name: string, written: unknown): EnsembleNode | null {
    const at = ['nodes', name, 'weighted'];
    if (!isMapping(written) || Object.keys(written).length === 0) {
      this.#list.add(at, `found ${describeValue(written)}, expected node.tensor: weight`);
      return null;
    }
    const members: TensorReference[] = [];
    const weights: number[] = [];
    for (const [key, weight] of Object.entries(written)) {
      const member = this.reference(key, [...at, key], 'key');
      if (typeof weight !== 'number' || !(weight > 0) || !Number.isFinite(weight)) {
        const found = describeValue(weight);
        this.#list.add([...at, key], `found ${found}, expected a weight above 0`);
      } else if (member !== null) {
        members.push(member);
        weights.push(weight);
      }
    }
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return { kind: 'weighted', name, members, weights: weights.map((weight) => weight / total) };
  }
}
