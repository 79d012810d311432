/** The project's source files with their imports, for the tidy tests. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface SourceFile {
  /** From the project's root, with forward slashes. */
  readonly path: string;
  readonly text: string;
  /** Relative imports as paths from the root; npm and node: imports as written. */
  readonly imports: readonly string[];
}

export function listFiles(folder: string, extension: string): readonly string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(extension))
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
    .sort();
}

export function readSource(path: string): SourceFile {
  const text = readFileSync(join(ROOT, path), 'utf8');
  const imports = [
    ...text.matchAll(/(?:^|\n)(?:import|export)\s[^;]*?from\s+'([^']+)'|import\('([^']+)'\)/g),
  ]
    .map((match) => (match[1] ?? match[2])!)
    .map((name) => (name.startsWith('.') ? relative(ROOT, join(ROOT, dirname(path), name)) : name));
  return { path, text, imports };
}

export function readSources(folder: string): readonly SourceFile[] {
  return listFiles(folder, '.ts').map(readSource);
}

/** `@scope/name` or `name` of an npm import; `null` for relative and node: imports. */
export function packageOf(imported: string): string | null {
  if (
    imported.startsWith('services/') ||
    imported.startsWith('test/') ||
    imported.startsWith('node:')
  )
    return null;
  const parts = imported.split('/');
  return imported.startsWith('@') ? parts.slice(0, 2).join('/') : parts[0]!;
}
