/** A real Apache Kafka for tests that need no more than one broker: a cluster of one node. */
import { startKafkaCluster } from './kafka-cluster.ts';

export { findKafkaRuntime, type KafkaRuntime } from './kafka-runtime.ts';

const HEAP_MB = 512;

export interface KafkaServer {
  /** `host:port`. */
  readonly brokers: string;
  /** Ends the process and removes its data. */
  stop(): Promise<void>;
}

export function startKafkaServer(): Promise<KafkaServer> {
  return startKafkaCluster({ brokers: 1, heapMb: HEAP_MB });
}
