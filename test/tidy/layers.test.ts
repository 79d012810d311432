/**
 * The layout holds: `core ← platform/<port> ← services ← embedded, cli ← test`, adapters only where
 * things are composed, each npm client in one folder. A failing message names what to do instead.
 */
import { describe, expect, it } from 'vitest';
import { listFiles, packageOf, readSources, type SourceFile } from '../support/source-tree.ts';

const sources = readSources('services');

const PORTS = ['bus', 'store', 'model', 'telemetry', 'clock', 'registry', 'dataset'];
const COMPOSITION_ROOTS = ['cli', 'embedded'];
/** What each port's folder offers to everybody; every other file in it is the adapters' business. */
const PORT_FILES = new Set([
  'services/platform/bus/bus.ts',
  'services/platform/store/state-store.ts',
  'services/platform/model/golden.ts',
  'services/platform/model/model-folder.ts',
  'services/platform/model/model-runtime.ts',
  'services/platform/telemetry/telemetry.ts',
  'services/platform/clock/clock.ts',
  'services/platform/registry/schema-source.ts',
  'services/platform/registry/writer-schemas.ts',
  'services/platform/dataset/dataset.ts',
]);

/** `core`, `platform/bus`, or the service's name. */
function areaOf(path: string): string {
  const [, first, second] = path.split('/');
  return first === 'platform' ? `platform/${second}` : first!;
}

function violations(rule: (file: SourceFile, imported: string) => string | null): string[] {
  return sources.flatMap((file) =>
    file.imports.flatMap((imported) => {
      const advice = rule(file, imported);
      return advice === null ? [] : [`${file.path} imports ${imported}: ${advice}`];
    }),
  );
}

describe('layers', () => {
  it('finds the sources and their imports', () => {
    expect(sources.length).toBeGreaterThan(80);
    expect(sources.flatMap((file) => file.imports).length).toBeGreaterThan(300);
  });

  it('core imports nothing but core', () => {
    expect(
      violations((file, imported) =>
        areaOf(file.path) === 'core' &&
        imported.startsWith('services/') &&
        areaOf(imported) !== 'core'
          ? 'move the type into core, or the code out of it'
          : null,
      ),
    ).toEqual([]);
  });

  it('platform imports core and platform only', () => {
    expect(
      violations((file, imported) => {
        if (!areaOf(file.path).startsWith('platform/') || !imported.startsWith('services/'))
          return null;
        const area = areaOf(imported);
        return area === 'core' || area.startsWith('platform/') ? null : 'a port knows no service';
      }),
    ).toEqual([]);
  });

  it('no service imports another', () => {
    const isService = (area: string) =>
      area !== 'core' && !area.startsWith('platform/') && !COMPOSITION_ROOTS.includes(area);
    expect(
      violations((file, imported) => {
        if (!imported.startsWith('services/')) return null;
        const from = areaOf(file.path);
        const to = areaOf(imported);
        if (!isService(from) || from === to || to === 'core' || to.startsWith('platform/'))
          return null;
        return 'services meet in core/message and on topics only';
      }),
    ).toEqual([]);
  });

  it('adapters are imported by composition roots and by their own folder only', () => {
    expect(
      violations((file, imported) => {
        if (!imported.startsWith('services/platform/')) return null;
        const port = PORTS.find((name) => areaOf(imported) === `platform/${name}`);
        if (
          port === undefined ||
          PORT_FILES.has(imported) ||
          areaOf(file.path) === areaOf(imported)
        )
          return null;
        return areaOf(file.path) === 'cli' ? null : 'take the port as an argument instead';
      }),
    ).toEqual([]);
  });

  it('each npm package is imported in one folder', () => {
    // commander is the command line's own language, avsc parses schemas for the codec and for files.
    const sharedPackages = new Set(['avsc']);
    const folders = new Map<string, Set<string>>();
    for (const file of sources) {
      for (const imported of file.imports) {
        const name = packageOf(imported);
        if (name === null || sharedPackages.has(name)) continue;
        folders.set(name, (folders.get(name) ?? new Set()).add(areaOf(file.path)));
      }
    }
    const spread = [...folders]
      .filter(([, areas]) => areas.size > 1)
      .map(([name, areas]) => `${name}: ${[...areas]}`);
    expect(folders.size).toBeGreaterThan(5);
    expect(spread).toEqual([]);
  });

  it('core asks neither clock nor chance nor environment nor disk', () => {
    const ambient: readonly [RegExp, string][] = [
      [/\bDate\.now\(|new Date\(\)/, 'take the time as an argument'],
      [/\bMath\.random\(/, 'take a seeded generator as an argument'],
      [/\bprocess\.(env|argv|cwd|hrtime)/, 'take it as an argument'],
      [/\bperformance\.now\(|\bsetTimeout\(|\bsetInterval\(/, 'timing belongs to the shell'],
      [/from 'node:(fs|net|http|https|os|child_process|worker_threads)/, 'I/O belongs to platform'],
    ];
    const found = sources
      .filter((file) => areaOf(file.path) === 'core')
      .flatMap((file) =>
        ambient.flatMap(([pattern, advice]) =>
          pattern.test(file.text) ? [`${file.path}: ${advice}`] : [],
        ),
      );
    expect(found).toEqual([]);
  });

  it('the wall clock is asked through the port', () => {
    const asking = sources
      .filter((file) => file.path !== 'services/platform/clock/system-clock.ts')
      .filter((file) => /\bDate\.now\(|new Date\(\)|\bsetInterval\(/.test(file.text))
      .map((file) => `${file.path}: use Clock`);
    expect(asking).toEqual([]);
  });
});

describe('files', () => {
  it('open with what they are', () => {
    const bare = sources
      .filter((file) => !/^(#!.*\n)?\/\*\*/.test(file.text))
      .map((file) => `${file.path}: say in a few lines what it is and guarantees`);
    expect(bare).toEqual([]);
  });

  it('can be held in mind', () => {
    const long = sources
      .filter((file) => file.text.split('\n').length > 300)
      .map((file) => `${file.path}: more than 300 lines, split it by idea`);
    expect(long).toEqual([]);
  });

  it('have names that say what is in them', () => {
    const vague = listFiles('services', '.ts').filter((path) =>
      /(^|\/)[^/]*(util|helper|common|misc)s?[^/]*\.ts$|\/types\.ts$|[A-Z_]/.test(
        path.slice('services/'.length),
      ),
    );
    expect(vague).toEqual([]);
  });
});
