// @ts-check
/**
 * Preloaded into a service: shifts its wall clock by as many milliseconds as the file that
 * CHAOS_CLOCK_FILE names says, and follows the file while it runs. Timers and `performance.now` go on
 * as they do when somebody sets the clock of a machine. Done in here and not with libfaketime, so that
 * it works wherever Node does.
 */
import { readFileSync } from 'node:fs';

const LOOK_INTERVAL_MS = 100;
const file = process.env.CHAOS_CLOCK_FILE;

if (file !== undefined) {
  const clock = Date;
  let skewMs = 0;
  const look = () => {
    skewMs = Number(readFileSync(file, 'utf8'));
  };
  const now = () => clock.now() + skewMs;
  look();
  setInterval(look, LOOK_INTERVAL_MS).unref();
  globalThis.Date = new Proxy(clock, {
    apply: () => new clock(now()).toString(),
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
    get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
  });
}
