/**
 * The READMEs against the tree and the code: links resolve, the map is the tree, the error table is
 * `core/errors.ts`, every guarantee is the one in its shell's header, every limit named exists.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ERRORS } from '../../services/core/errors.ts';
import * as limits from '../../services/core/limits.ts';
import { HEADER } from '../../services/core/message/header.ts';
import { derivedTopicSpecs } from '../../services/core/message/topics.ts';
import { SERVICES } from '../../services/embedded/pipeline.ts';
import { toMonitor } from '../../services/platform/config/monitor-file.ts';
import {
  ATTRIBUTE,
  processSpanAttributes,
} from '../../services/platform/telemetry/messaging-attributes.ts';
import {
  anchorOf,
  codeWords,
  firstBold,
  headings,
  linkTargets,
  markdownPaths,
  plain,
  readPage,
  section,
  tables,
  tableUnder,
} from '../support/markdown-page.ts';
import { ROOT } from '../support/source-tree.ts';

const pages = markdownPaths().map(readPage);
const servicesPage = readPage('services/README.md');

function folders(path: string): readonly string[] {
  return readdirSync(join(ROOT, path), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && holdsFiles(`${path}/${entry.name}`))
    .map((entry) => entry.name);
}

/** An empty folder is not part of the project: git does not keep it. */
function holdsFiles(path: string): boolean {
  return readdirSync(join(ROOT, path), { withFileTypes: true }).some(
    (entry) => entry.isFile() || holdsFiles(`${path}/${entry.name}`),
  );
}

function files(path: string): readonly string[] {
  return readdirSync(join(ROOT, path), { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'README.md')
    .map((entry) => entry.name);
}

/** Of a cell that may be a link: what is shown. */
function shown(cell: string): string {
  return plain(/^\[([^\]]*)\]/.exec(cell)?.[1] ?? cell);
}

describe('every page', () => {
  it('is found', () => {
    const expected = Object.keys(SERVICES).map((name) => `services/${name}/README.md`);
    expect(pages.map(({ path }) => path)).toEqual(expect.arrayContaining(expected));
  });

  it('has links that resolve', () => {
    const broken = pages.flatMap((page) =>
      linkTargets(page)
        .filter((target) => !/^[a-z]+:/.test(target) && !resolves(page.path, target))
        .map((target) => `${page.path}: ${target}`),
    );
    expect(broken).toEqual([]);
  });

  it('names limits that are in core/limits.ts', () => {
    // Of the environment, held by environment-readme.test.ts.
    const names = wordsOfPages(/^(?!KAFKA_)[A-Z_]+_(MAX|MIN|MS)$/);
    const unknown = names.filter(({ word }) => !(word in limits));
    expect(unknown).toEqual([]);
  });

  it('names files that are there', () => {
    const path = /^(services|core|platform|embedded|cli|test|schemas|deploy)\/[\w./-]+\.\w+$/;
    const missing = wordsOfPages(path).filter(
      ({ word }) => !existsSync(join(ROOT, word)) && !existsSync(join(ROOT, 'services', word)),
    );
    expect(missing).toEqual([]);
  });
});

function wordsOfPages(
  pattern: RegExp,
): readonly { readonly page: string; readonly word: string }[] {
  return pages.flatMap((page) =>
    codeWords(page.prose)
      .filter((word) => pattern.test(word))
      .map((word) => ({ page: page.path, word })),
  );
}

function resolves(from: string, target: string): boolean {
  const [file, anchor] = target.split('#', 2) as [string, string | undefined];
  const path = file === '' ? from : join(dirname(from), file);
  if (!existsSync(join(ROOT, path))) return false;
  if (anchor === undefined) return true;
  return path.endsWith('.md') && headings(readPage(path)).map(anchorOf).includes(anchor);
}

describe('services/README.md', () => {
  it('has every folder of services/ on the map, and no other', () => {
    const tree = folders('services').flatMap((folder) => [
      folder,
      ...folders(`services/${folder}`).map((inner) => `${folder}/${inner}`),
    ]);
    const rows = tableUnder(servicesPage, 'Layers').rows.map(([folder]) => shown(folder!));
    expect(rows.toSorted()).toEqual(tree.toSorted());
  });

  it('links each folder of its own page', () => {
    const linked = new Set(linkTargets(servicesPage));
    const missing = folders('services').filter((folder) => !linked.has(`${folder}/README.md`));
    expect(missing).toEqual([]);
  });

  it('has every error code with its kind, class and meaning', () => {
    const rows = tableUnder(servicesPage, 'Errors').rows.map((cells) => cells.map(plain));
    const codes = Object.entries(ERRORS).map(([code, error]) => [
      code,
      error.kind,
      error.class,
      error.meaning,
    ]);
    expect(rows).toEqual(codes);
  });

  it('explains each noun once', () => {
    const nouns = tableUnder(servicesPage, 'Glossary').rows.map(([noun]) => noun);
    expect(nouns.length).toBeGreaterThan(30);
    expect(new Set(nouns).size).toBe(nouns.length);
  });
});

describe('a page of a service', () => {
  const streaming = [...Object.keys(SERVICES), 'replay', 'redrive'];

  it.each(streaming)('%s: its guarantee is the one of the shell', (name) => {
    const source = readFileSync(join(ROOT, `services/${name}/${name}.ts`), 'utf8');
    const guarantee = firstBold(source);
    expect(guarantee).toMatch(/\.$/);
    expect(firstBold(readPage(`services/${name}/README.md`).prose)).toBe(guarantee);
  });

  it.each([...streaming, 'profile', 'embedded', 'platform', 'core'])(
    '%s: can be read at once',
    (name) => {
      expect(readPage(`services/${name}/README.md`).text.split('\n').length).toBeLessThanOrEqual(
        90,
      );
    },
  );

  it('inference-worker: the page on models can be read at once', () => {
    const { text } = readPage('services/inference-worker/MODELS.md');
    expect(text.split('\n').length).toBeLessThanOrEqual(150);
  });

  it('embedded: its table is the pipeline, in order', () => {
    const text = readPage('services/embedded/README.md').prose;
    const table = tables(text).find(({ header }) => header[0] === 'service');
    expect(table?.rows.map(([name]) => plain(name!))).toEqual(Object.keys(SERVICES));
  });

  it('profile, replay and redrive: the files they list are there', () => {
    for (const name of ['profile', 'replay', 'redrive', 'embedded']) {
      const page = readPage(`services/${name}/README.md`);
      const listed = [...page.prose.matchAll(/^\| (`[^|]*\.ts`[^|]*)\|/gm)]
        .flatMap((match) => codeWords(match[1]!))
        .toSorted();
      const known = files(`services/${name}`).filter((file) => file !== 'events.ts');
      expect(listed, name).toEqual(known.toSorted());
    }
  });
});

describe('platform/README.md', () => {
  const page = readPage('services/platform/README.md');

  it('names every folder that is not a port beside the ports', () => {
    const ports = tableUnder(page, 'Ports').rows.map(([port]) => port!);
    const others = codeWords(section(page, 'Ports'))
      .filter((word) => word.endsWith('/'))
      .map((word) => word.slice(0, -1));
    expect([...ports, ...others].toSorted()).toEqual(folders('services/platform').toSorted());
  });

  it('has the attributes of a process span', () => {
    const rows = tableUnder(page, 'Telemetry').rows.map((cells) => cells.map(plain));
    const set = processSpanAttributes({ service: 's', topic: 't', group: 'g', recordCount: 1 });
    expect(rows.map(([name]) => name)).toEqual(Object.values(ATTRIBUTE));
    for (const [name, value] of rows) {
      const fixed = set[name!];
      if (typeof fixed === 'string' && fixed.length > 1) expect(value).toBe(fixed);
    }
  });
});

describe('schemas/README.md', () => {
  const page = readPage('schemas/README.md');

  it('lists every file of the folder', () => {
    const rows = tableUnder(page, 'schemas').rows.map(([file]) => shown(file!));
    expect(rows.toSorted()).toEqual(files('schemas').toSorted());
  });

  it('lists every header', () => {
    const rows = tableUnder(page, 'Headers').rows.map(([name]) => plain(name!));
    expect(rows).toEqual(Object.values(HEADER));
  });
});

describe('deploy/README.md', () => {
  it('has the topics with their default names and partition counts', () => {
    const monitor = toMonitor(
      {
        monitor: 'MONITOR',
        event: { id: 'id', time: { path: 'at' } },
        columns: {},
        windows: ['1m'],
      },
      '/',
    );
    const { topics } = monitor;
    const userCount = 7;
    const counts = new Map(
      derivedTopicSpecs(topics, userCount).map((spec) => [spec.topic, spec.partitionCount]),
    );
    const expected = Object.entries(topics).map(([key, topic]) => [
      key,
      topic.replace('MONITOR', '<monitor>'),
      wordOf(counts.get(topic), userCount),
    ]);
    const rows = tableUnder(readPage('deploy/README.md'), 'Topics').rows;
    expect(rows.map((cells) => cells.map(plain))).toEqual(expected);
  });

  function wordOf(count: number | undefined, userCount: number): string {
    if (count === undefined) return "the user's choice";
    return count === userCount ? 'as the event topic' : String(count);
  }
});

describe('test/README.md', () => {
  it('has every folder of test/', () => {
    const rows = tableUnder(readPage('test/README.md'), 'test').rows.map(([name]) => plain(name!));
    expect(rows.toSorted()).toEqual(folders('test').toSorted());
  });
});
