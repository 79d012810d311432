/** List files of the `model` section: one value a line, for policies to look up. */
import { LIST_BYTES_MAX, LIST_ENTRIES_MAX } from '../../core/limits.ts';
import type { BundleReader } from './bundle-reader.ts';
import { isInsideBundle } from './check-model.ts';
import type { Lists, ModelFile } from './model-file.ts';
import type { ProblemList } from './problem.ts';

/** Spaces around a value do not count; empty lines and lines that start with # are passed over. */
export function parseList(text: string): readonly string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/** A list that cannot be read is left out, and its problem is the reader's or the `list`'s. */
export async function readLists(
  reader: BundleReader,
  files: ModelFile['lists'] = {},
  list: ProblemList,
): Promise<Lists> {
  const lists = new Map<string, readonly string[]>();
  for (const [name, file] of Object.entries(files)) {
    if (!isInsideBundle(file)) continue;
    const found = await reader.text(file, LIST_BYTES_MAX, false);
    if (found.text === null) {
      const message = `there is no file ${file} in the bundle, expected one value a line`;
      if (found.absent) list.add(['model', 'lists', name], message);
      continue;
    }
    const values = parseList(found.text);
    if (values.length > LIST_ENTRIES_MAX) {
      const message = `the file has ${values.length} values, expected at most ${LIST_ENTRIES_MAX}`;
      reader.fail(file, message);
    } else lists.set(name, values);
  }
  return lists;
}
