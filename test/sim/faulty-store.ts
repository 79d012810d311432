/** A state store as one faulty process sees it: requests and replies get lost, commits included. */
import type { StateStore } from '../../services/platform/store/state-store.ts';
import type { FaultyProcess } from './faulty-process.ts';

const READ = { lostRequest: 'dependency.store', lostReply: 'dependency.store' } as const;
const WRITE = { lostRequest: 'dependency.store', lostReply: 'dependency.store-unknown' } as const;
/** A request lost on its way looks the same as a lost reply to who waits for it. */
const UNKNOWN = {
  lostRequest: 'dependency.store-unknown',
  lostReply: 'dependency.store-unknown',
} as const;

export function createFaultyStore(store: StateStore, faults: FaultyProcess): StateStore {
  return {
    claim: (shard) => faults.call(READ, () => store.claim(shard)),
    commit: (shard, commit) =>
      faults.call(faults.draw(0, 1) === 0 ? WRITE : UNKNOWN, () => store.commit(shard, commit)),
    readPosition: (shard) => faults.call(READ, () => store.readPosition(shard)),
    forgetRun: (run) => faults.call(READ, () => store.forgetRun(run)),
    ping: () => faults.call(READ, () => store.ping()),
    close: () => Promise.resolve(),
  };
}
