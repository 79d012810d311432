/** Which version a path of the inference server names, and whether it can answer. */
import type { ModelDescription } from '../model/model-runtime.ts';
import type { InferenceBackend, ServedVersion } from './inference-backend.ts';
import { quoted, quotedNames } from './inference-datatype.ts';
import { RETRY_LATER, RequestRefusal } from './inference-error.ts';

export interface ModelPath {
  readonly name: string;
  /** Absent: the primary. */
  readonly version?: string;
}

export interface ModelCatalogue {
  versions(): readonly string[];
  /** Throws a refusal with 404 where there is no such model or version, 503 where there is none yet. */
  find(path: ModelPath): ServedVersion;
  /** As `find`; also throws 503 where it is not ready. */
  findReady(path: ModelPath): ServedVersion;
  /** Throws only for what will never be there. */
  isReady(path: ModelPath): boolean;
  /** `null` where the version is gone meanwhile. */
  describe(version: string): ModelDescription | null;
}

export function createModelCatalogue(backend: InferenceBackend): ModelCatalogue {
  function lookUp({ name, version }: ModelPath): ServedVersion | null {
    if (name !== backend.name) {
      const expected = `expected ${quoted(backend.name)}`;
      throw new RequestRefusal(404, `there is no model ${quoted(name)}, ${expected}`);
    }
    const served = backend.versions();
    if (version === undefined) return served.find(({ variant }) => variant === 'primary') ?? null;
    const found = served.find((candidate) => candidate.version === version);
    if (found !== undefined) return found;
    const known = quotedNames(served.map((candidate) => candidate.version));
    const message = `model ${quoted(name)} has no version ${quoted(version)}, expected ${known}`;
    throw new RequestRefusal(404, message);
  }

  function find(path: ModelPath): ServedVersion {
    const found = lookUp(path);
    if (found !== null) return found;
    throw new RequestRefusal(503, `model ${quoted(path.name)} is not loaded yet`, RETRY_LATER);
  }

  return {
    versions: () => backend.versions().map(({ version }) => version),
    find,
    findReady(path) {
      const found = find(path);
      if (found.ready) return found;
      const message = `version ${quoted(found.version)} is not ready`;
      throw new RequestRefusal(503, message, RETRY_LATER);
    },
    isReady: (path) => lookUp(path)?.ready === true,
    describe: (version) =>
      backend.versions().find((served) => served.version === version)?.description ?? null,
  };
}
