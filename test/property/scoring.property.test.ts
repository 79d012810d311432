/**
 * Scoring as a whole under random load and random change, on a virtual clock: rows of every kind, calls
 * from beside the bus, plans and files that change while rows are outstanding, threads that are lost,
 * stops in the middle. Whatever happens, every row gets one answer, and a true one.
 *
 *     SCORING_RUNS=20000 SCORING_SEED=1 npx vitest run test/property/scoring.property.test.ts
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it, vi } from 'vitest';
import type { RolloutPlan } from '../../services/core/rollout/rollout-plan.ts';
import { type ContentKind, NAN_LEVEL, ODD_POISON_LEVEL } from '../support/content-model.ts';
import { createDraw, type Draw } from '../support/draw.ts';
import { POISON_LEVEL } from '../support/fake-model.ts';
import { mistakesOf } from '../support/scoring-laws.ts';
import {
  createWorld,
  SPARE_VERSION,
  VERSIONS,
  type World,
  type WorldOptions,
} from '../support/scoring-world.ts';

/** Small, so that queues are full, versions are dropped and the folder is looked at all the time. */
vi.mock('../../services/core/limits.ts', async (load) => ({
  ...(await load<typeof import('../../services/core/limits.ts')>()),
  QUEUE_ROWS_MAX: 24,
  POLL_RECORDS_MAX: 8,
  SHADOW_QUEUE_ROWS_MAX: 12,
  MODEL_FOLDER_INTERVAL_MS: 20,
  MODEL_VERSIONS_KEPT_MAX: 1,
}));

const RUNS = Number(process.env.SCORING_RUNS ?? 300);
const SEED = Number(process.env.SCORING_SEED ?? 1);
const CALM_RUNS = Math.ceil(RUNS / 6);
const ALL_VERSIONS = [...VERSIONS, SPARE_VERSION];
const HEAP_RUNS = 20;
const PATIENCE_MS = 30_000;
const TIMEOUT_MS = 60_000 + 100 * RUNS;
const CELLS = [1, 1, 2, 2, 3, 5, 5, 5, 8, 40, NAN_LEVEL, ODD_POISON_LEVEL, POISON_LEVEL, null, 'x'];

function drawRows(draw: Draw): { id: string; cell: number | string | null }[] {
  const isOdd = draw(0, 3) === 0;
  return Array.from({ length: draw(1, 14) }, () => ({
    id: `e${draw(0, 200)}`,
    cell: CELLS[draw(0, isOdd ? CELLS.length - 1 : 9)]!,
  }));
}

function drawPlan(draw: Draw): RolloutPlan & { previous?: string } {
  const left = [...VERSIONS];
  const take = () => left.splice(draw(0, left.length - 1), 1)[0]!;
  const primary = take();
  const canary = draw(0, 1) === 0 ? null : { version: take(), share: draw(1, 9) / 20 };
  const ab = draw(0, 2) > 0 ? [] : [{ version: take(), share: draw(1, 9) / 20 }];
  const shadow = draw(0, 1) === 0 ? null : take();
  return {
    ...{ primary, canary, ab, shadow },
    ...(draw(0, 1) === 0 ? {} : { previous: VERSIONS[draw(0, 3)]! }),
  };
}

function drawContent(draw: Draw) {
  const kinds: readonly ContentKind[] = [
    ...([
      'quick',
      'quick',
      'quick',
      'slow',
      'slow',
      'losing',
      'broken',
      'wrong',
      'unreadable',
    ] as const),
  ];
  return { factor: draw(1, 4), kind: kinds[draw(0, kinds.length - 1)]! };
}

async function until(world: World, promise: Promise<unknown>, what: string): Promise<void> {
  let isOver = false;
  const over = promise.then(() => {
    isOver = true;
  });
  for (let waitedMs = 0; !isOver && waitedMs < PATIENCE_MS; waitedMs += 40)
    await world.clock.advance(40);
  if (!isOver) throw new Error(`${what} does not end`);
  await over;
}

/** One of the things that happen. */
function step(world: World, draw: Draw, isCalm: boolean): Promise<void> | void {
  const { folder, clock } = world;
  const kind = draw(0, isCalm ? 9 : 19);
  if (kind < 5) return world.score(drawRows(draw));
  if (kind < 9) return clock.advance(draw(0, 12));
  if (kind === 9) {
    const levels = Array.from({ length: draw(1, 20) }, () => [1, 2, 8, NAN_LEVEL, 13][draw(0, 4)]!);
    const version = draw(0, 1) === 0 ? null : VERSIONS[draw(0, 3)]!;
    return world.call(version, levels, isCalm || draw(0, 1) === 0 ? null : draw(1, 60));
  }
  if (kind < 13) return folder.setPlan(drawPlan(draw));
  if (kind === 13) return folder.removePlan();
  if (kind === 14) return folder.breakPlan(draw(0, 1) === 0 ? null : 'a mistake');
  if (kind < 18) return world.put(ALL_VERSIONS[draw(0, 4)]!, drawContent(draw));
  if (kind === 18) return clock.advance(draw(20, 100));
  return until(world, world.scoring.drain(), 'a drain');
}

/** Plays a world to its end; what was outstanding is drained, or cut off by a stop. */
async function play(options: WorldOptions): Promise<World> {
  const { isCalm } = options;
  const world = createWorld(options);
  const draw = createDraw(options.seed + 1_000_003);
  for (const version of ALL_VERSIONS) {
    const kind = isCalm ? 'quick' : (['quick', 'slow', 'losing', 'broken'] as const)[draw(0, 3)]!;
    world.put(version, { factor: draw(1, 4), kind });
  }
  await until(world, world.scoring.start(), 'the start');
  for (let left = draw(5, 40); left > 0; left -= 1) await step(world, draw, isCalm);
  if (isCalm || draw(0, 2) > 0) {
    await until(world, world.scoring.drain(), 'the last drain');
    const open = world.rows.filter(({ answers }) => answers.length === 0).length;
    if (open > 0) throw new Error(`${open} rows are outstanding after the drain`);
  }
  return world;
}

async function close(world: World): Promise<void> {
  await until(world, world.close(), 'the close');
  await world.clock.advance(200);
  const left = world.clock.sleeperCount;
  if (left > 0) throw new Error(`${left} timers are left after the close`);
}

it('answers every row once, with what a version of a plan in force says of it', {
  timeout: TIMEOUT_MS,
}, async () => {
  for (let seed = SEED; seed < SEED + RUNS; seed += 1) {
    const world = await play({ seed, isCalm: false });
    await close(world);
    const mistakes = mistakesOf(world).slice(0, 5);
    expect({ seed, mistakes }).toEqual({ seed, mistakes: [] });
  }
});

it.each(['hasCache', 'hasShadow'] as const)(
  'answers the same with and without it: %s',
  { timeout: TIMEOUT_MS },
  async (what) => {
    for (let seed = SEED; seed < SEED + CALM_RUNS; seed += 1) {
      const answers = [];
      for (const isThere of [true, false]) {
        const world = await play({ seed, isCalm: true, [what]: isThere });
        answers.push(world.rows.map((row) => row.answers));
        await close(world);
      }
      expect({ seed, answers: answers[0] }).toEqual({ seed, answers: answers[1] });
    }
  },
);

/** A shadow's longest rest, and its runs after it. */
const SHADOW_END_MS = 15_000;

it('keeps nothing of rows that are answered and of models that are closed', {
  timeout: TIMEOUT_MS,
}, async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  let watchedCount = 0;
  for (let seed = SEED; seed < SEED + HEAP_RUNS; seed += 1) {
    const world = await play({ seed, isCalm: false });
    await until(world, world.scoring.drain(), 'the last drain');
    // Shadows have come to their end by then, and folders have been looked at.
    await world.clock.advance(SHADOW_END_MS);
    // What the next row does away with is not kept either.
    world.score([{ id: 'last', cell: 1 }]);
    await until(world, world.scoring.drain(), 'the last row');
    await world.clock.advance(SHADOW_END_MS);
    const over = world.watched.filter(({ fate }) => fate === null || fate.closeCount > 0);
    watchedCount += over.length;
    let kept = over;
    // What is being compiled is held for a moment.
    for (let left = 20; kept.length > 0 && left > 0; left -= 1) {
      await new Promise((resolve) => setTimeout(resolve, 20 - left));
      collect();
      kept = over.filter(({ ref }) => ref.deref() !== undefined);
    }
    expect({ seed, kept: kept.map(({ fate }) => fate?.text ?? 'a row') }).toEqual({
      seed,
      kept: [],
    });
    await close(world);
  }
  expect(watchedCount).toBeGreaterThan(0);
});
