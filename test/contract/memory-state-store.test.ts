/** The in-memory StateStore keeps the contract of the port. */
import { createMemoryStateStore } from '../../services/platform/store/memory-state-store.ts';
import { stateStoreContract } from './state-store.contract.ts';

stateStoreContract('memory', async () => createMemoryStateStore());
