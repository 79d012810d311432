#!/usr/bin/env node
/** The `tidegauge` command: its subcommands, and how it ends. */
import { Command } from 'commander';
import { addCheckCommand } from './check-command.ts';
import { addDemoCommand } from './demo-command.ts';
import { describeError, exitCodeOf } from './exit.ts';
import { addProfileCommand } from './profile-command.ts';
import { addReplayCommand } from './replay-command.ts';
import { addRunCommand, addUpCommand } from './up-command.ts';
import { VERSION } from './version.ts';

const program = new Command('tidegauge')
  .description('Streaming monitoring for machine-learning models on a message bus.')
  .version(VERSION)
  .showSuggestionAfterError()
  .showHelpAfterError('(--help shows what there is)')
  .exitOverride();

addDemoCommand(program);
addUpCommand(program);
addRunCommand(program);
addProfileCommand(program);
addReplayCommand(program);
addCheckCommand(program);
for (const command of program.commands) command.exitOverride();

try {
  await program.parseAsync();
} catch (error) {
  const text = describeError(error);
  if (text !== null) process.stderr.write(`${text}\n`);
  process.exitCode = exitCodeOf(error);
}
