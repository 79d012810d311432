/** What every service is created from: the adapters it may use, and the monitor and run it serves. */
import type { Monitor } from '../../core/monitor/monitor.ts';
import type { Reference } from '../../core/monitor/reference.ts';
import type { Bus } from '../bus/bus.ts';
import type { Clock } from '../clock/clock.ts';
import type { ModelFolder } from '../model/model-folder.ts';
import type { ModelRuntime } from '../model/model-runtime.ts';
import type { SchemaSource } from '../registry/schema-source.ts';
import type { StateStore } from '../store/state-store.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';

export interface ServicePorts {
  readonly bus: Bus;
  readonly store: StateStore;
  readonly modelRuntime: ModelRuntime;
  /** The folder of a bundle's model versions. */
  openModelFolder(directory: string): ModelFolder;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** Where Confluent schema ids are looked up; `null` where none is configured. */
  readonly schemaSource: SchemaSource | null;
}

export interface ServiceScope {
  readonly monitor: Monitor;
  /** `live`, or the id of a replay run. */
  readonly run: string;
  /** `event.avsc`, parsed. */
  readonly eventSchema: unknown;
  /** Further writer schemas that single-object events may name by fingerprint. */
  readonly writerSchemas: readonly unknown[];
  /** `null`: windows are measured and not judged. */
  readonly reference: Reference | null;
}
