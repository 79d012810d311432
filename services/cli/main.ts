#!/usr/bin/env node
/** The `tidegauge` command: its subcommands, and how it ends. */
import { Command } from 'commander';
import { describeError, exitCodeOf } from './exit.ts';
import { VERSION } from './version.ts';

/** In the order of the help; a command that is named is loaded alone, which starts twice as fast. */
const COMMANDS: Readonly<Record<string, () => Promise<(program: Command) => void>>> = {
  demo: async () => (await import('./demo-command.ts')).addDemoCommand,
  up: async () => (await import('./up-command.ts')).addUpCommand,
  run: async () => (await import('./up-command.ts')).addRunCommand,
  profile: async () => (await import('./profile-command.ts')).addProfileCommand,
  replay: async () => (await import('./replay-command.ts')).addReplayCommand,
  redrive: async () => (await import('./redrive-command.ts')).addRedriveCommand,
  score: async () => (await import('./score-command.ts')).addScoreCommand,
  rollout: async () => (await import('./rollout-command.ts')).addRolloutCommand,
  check: async () => (await import('./check-command.ts')).addCheckCommand,
  model: async () => (await import('./model-command.ts')).addModelCommand,
};

const program = new Command('tidegauge')
  .description('Streaming monitoring for machine-learning models on a message bus.')
  .version(VERSION)
  .showSuggestionAfterError()
  .showHelpAfterError('(--help shows what there is)')
  .exitOverride();

const named = COMMANDS[process.argv[2] ?? ''];
for (const load of named === undefined ? Object.values(COMMANDS) : [named]) (await load())(program);
for (const command of program.commands) command.exitOverride();

try {
  await program.parseAsync();
} catch (error) {
  const text = describeError(error);
  if (text !== null) process.stderr.write(`${text}\n`);
  process.exitCode = exitCodeOf(error);
}
