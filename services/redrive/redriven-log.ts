/**
 * What the event topic says of earlier redrives: it holds every event that was ever sent back, so it
 * decides where the state store was emptied or does not know.
 */
import type { Bus, TopicPartition } from '../platform/bus/bus.ts';
import { parseRefusal, redrivenOrigin } from './refusal.ts';

export interface RedrivenLog {
  readonly bus: Bus;
  readonly events: TopicPartition;
  readonly quarantine: TopicPartition;
}

/** Origin offsets of the events sent back in `[from, to)` of the event topic's partition. */
export async function* readRedriven(
  { bus, events, quarantine }: RedrivenLog,
  from: number,
  to: number,
): AsyncIterable<number> {
  // A range that retention has taken, or that is empty, costs no connection.
  if (from >= to) return;
  for await (const record of bus.read(events, from, to)) {
    const origin = redrivenOrigin(record.headers, quarantine);
    if (origin !== null && origin.topic === events.topic) yield origin.offset;
  }
}

/**
 * Where reading must begin to find what was redriven of `[from, to)` of a quarantined partition. What
 * is sent back lies behind the event it once was, and the first one refused lies before all that was
 * redriven of it and of those refused later. `null` where the range holds no refusal of ours.
 */
export async function firstRedrivable(
  { bus, events, quarantine }: RedrivenLog,
  from: number,
  to: number,
): Promise<number | null> {
  if (from >= to) return null;
  for await (const record of bus.read(quarantine, from, to)) {
    const refusal = parseRefusal(record, events.topic);
    if (refusal !== null) return refusal.origin.offset + 1;
  }
  return null;
}
