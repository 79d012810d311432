/**
 * The parts of a Markdown page that the tidy tests hold against the code: headings, tables under a
 * heading, links and bold text. GitHub's flavour, as far as the project's own pages use it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './source-tree.ts';

export interface MarkdownPage {
  /** From the project's root. */
  readonly path: string;
  readonly text: string;
  /** The text without code blocks and without comments. */
  readonly prose: string;
}

export interface MarkdownTable {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Folders nothing of ours is in. */
const SKIPPED = new Set(['node_modules', 'dist', '.git', 'target', 'shared']);

/** Every Markdown page of the project, in path order. */
export function markdownPaths(folder = ''): readonly string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true })
    .flatMap((entry) => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : markdownPaths(path);
      return entry.name.endsWith('.md') ? [path] : [];
    })
    .sort();
}

export function readPage(path: string): MarkdownPage {
  const text = readFileSync(join(ROOT, path), 'utf8');
  const prose = text.replace(/^```.*?^```$/gms, '').replace(/<!--.*?-->/gs, '');
  return { path, text, prose };
}

export function headings(page: MarkdownPage): readonly string[] {
  return [...page.prose.matchAll(/^#{1,6} (.+)$/gm)].map((match) => match[1]!.trim());
}

/** What GitHub makes of a heading, for `#…` links. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}

/** The text under a heading, down to the next heading of the same or a higher level. */
export function section(page: MarkdownPage, heading: string): string {
  const lines = page.prose.split('\n');
  const start = lines.findIndex((line) => /^#{1,6} /.test(line) && titleOf(line) === heading);
  if (start < 0) throw new Error(`${page.path} has no heading "${heading}"`);
  const level = levelOf(lines[start]!);
  const rest = lines.slice(start + 1);
  const end = rest.findIndex((line) => /^#{1,6} /.test(line) && levelOf(line) <= level);
  return rest.slice(0, end < 0 ? undefined : end).join('\n');
}

/** The first table under a heading. */
export function tableUnder(page: MarkdownPage, heading: string): MarkdownTable {
  const [table] = tables(section(page, heading));
  if (table === undefined) throw new Error(`${page.path} has no table under "${heading}"`);
  return table;
}

export function tables(text: string): readonly MarkdownTable[] {
  const found: MarkdownTable[] = [];
  let block: string[] = [];
  for (const line of [...text.split('\n'), '']) {
    if (line.startsWith('|')) {
      block.push(line);
      continue;
    }
    const [header, , ...rows] = block;
    if (header !== undefined) found.push({ header: cells(header), rows: rows.map(cells) });
    block = [];
  }
  return found;
}

/** The words in backticks of a cell; empty where there are none. */
export function codeWords(text: string): readonly string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map((match) => match[1]!);
}

/** A cell's text without backticks. */
export function plain(text: string): string {
  return text.replaceAll('`', '').trim();
}

/** Targets of the links, in order; code is no link. */
export function linkTargets(page: MarkdownPage): readonly string[] {
  const text = page.prose.replace(/`[^`\n]*`/g, '');
  return [...text.matchAll(/\[[^\]]*\]\(([^)\s]+)\)/g)].map((match) => match[1]!);
}

/** The first bold text, on one line; `null` where there is none. */
export function firstBold(text: string): string | null {
  const match = /(?<!\/)\*\*(?=\S)(.+?)\*\*/s.exec(text);
  return match === null ? null : match[1]!.replace(/\s*\n\s*\*?\s*/g, ' ').trim();
}

function cells(line: string): readonly string[] {
  return line
    .trim()
    .replace(/^\|/, '')
    .replace(/\|$/, '')
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll('\\|', '|'));
}

function titleOf(line: string): string {
  return line.replace(/^#+ /, '').trim();
}

function levelOf(line: string): number {
  return /^#+/.exec(line)![0].length;
}
