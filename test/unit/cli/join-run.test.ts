/** Taking part in a run of another process. */
import { describe, expect, it } from 'vitest';
import { bundleParts } from '../../../services/cli/bundle-digest.ts';
import { joinRun } from '../../../services/cli/join-run.ts';
import { createVirtualClock } from '../../../services/platform/clock/virtual-clock.ts';
import { type Bundle, loadBundle } from '../../../services/platform/config/load-bundle.ts';
import { NamedRun } from '../../../services/replay/named-run.ts';
import { memoryPorts } from '../../support/embedded-run.ts';
import { EXAMPLE } from '../../support/observed-pipeline.ts';

const NEVER = new AbortController().signal;

async function example(): Promise<Bundle> {
  const loaded = await loadBundle(EXAMPLE);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.bundle;
}

async function prepared() {
  const bundle = await example();
  const clock = createVirtualClock();
  const ports = { ...memoryPorts(), clock };
  const begin = async () =>
    NamedRun.open(ports.store, { monitor: bundle.monitor.name, name: 'r' }, async () => ({
      ...{ id: 'r-1', spans: [], writerSchema: { type: 'string' } },
      parts: { ...(await bundleParts(bundle)), topic: 't' },
    }));
  return { bundle, clock, ports, begin };
}

describe('who takes part in a run', () => {
  it('waits for it to begin and gets its id and the schema of its records', async () => {
    const { bundle, clock, ports, begin } = await prepared();
    const joining = joinRun(ports, bundle, 'r', NEVER);
    await clock.advance(30_000);
    const run = await begin();
    await clock.advance(2_000);
    await run.advance('open');
    await clock.advance(2_000);
    const joined = await joining;
    expect(joined.scope).toMatchObject({ run: 'r-1', writerSchemas: [{ type: 'string' }] });
    expect(await joined.isOver()).toBe(false);
    await run.advance('finished');
    expect(await joined.isOver()).toBe(true);
  });

  it('is told when there is none', async () => {
    const { bundle, clock, ports } = await prepared();
    const joining = expect(joinRun(ports, bundle, 'r', NEVER)).rejects.toMatchObject({
      code: 'configuration.invalid',
      message: expect.stringContaining('there is none'),
    });
    await clock.advance(61_000);
    await joining;
  });

  it('needs the bundle the run was begun with', async () => {
    const { bundle, ports, begin } = await prepared();
    await (await begin()).advance('open');
    const { monitor } = bundle;
    const other = { ...bundle, monitor: { ...monitor, countMin: monitor.countMin + 1 } };
    await expect(joinRun(ports, other, 'r', NEVER)).rejects.toThrow(/monitor was sha256:.*, is/);
    const elsewhere = { ...monitor, model: { ...monitor.model!, version: '2' } };
    await expect(joinRun(ports, { ...bundle, monitor: elsewhere }, 'r', NEVER)).rejects.toThrow(
      /begun with something else/,
    );
  });
});
