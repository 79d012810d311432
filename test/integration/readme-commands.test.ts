/** Every command in the README exists, with the options it is given there. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { codeBlocks } from '../support/markdown.ts';
import { ROOT } from '../support/source-tree.ts';
import { tidegauge } from '../support/tidegauge.ts';

const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
const commands = codeBlocks(readme)
  .filter((block) => block.language === 'sh')
  .flatMap((block) => block.lines.map((line) => line.trim()))
  .filter((line) => line !== '');

describe('the README', () => {
  it('shows commands', () => {
    expect(commands.length).toBeGreaterThanOrEqual(7);
  });

  it('names scripts that exist', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    const named = commands
      .filter((command) => command.startsWith('npm '))
      .flatMap((command) => [...command.matchAll(/npm (?:run )?(\S+)/g)].map((match) => match[1]!));
    expect(named).toContain('start');
    for (const name of named) if (name !== 'ci') expect(scripts).toHaveProperty(name);
  });

  it.each(commands.filter((command) => command.startsWith('npx tidegauge ')))(
    '%s',
    async (command) => {
      const [, , subcommand, ...words] = command.split(' ');
      const { stdout, code } = await tidegauge([subcommand!, '--help']);
      expect(code).toBe(0);
      const options = words.filter((word) => word.startsWith('--'));
      for (const option of options) expect(stdout).toMatch(new RegExp(`^ +${option}\\b`, 'm'));
    },
  );
});
