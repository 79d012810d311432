/** The bus contract on the in-memory adapter, where every client of a test shares one bus. */
import { createMemoryBus } from '../../services/platform/bus/memory-bus.ts';
import { createSystemClock } from '../../services/platform/clock/system-clock.ts';
import { describeBusContract } from './bus.contract.ts';

describeBusContract('memory', () => {
  const bus = createMemoryBus({ clock: createSystemClock() });
  return { connect: () => bus, close: () => bus.close() };
});
