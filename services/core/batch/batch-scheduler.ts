/**
 * Decides which model version runs a batch next, and which rows: one queue per version, lanes that run
 * one batch each.
 *
 * - Work-conserving: while a lane is free, what can run on it is given out at once; while lanes are busy
 *   batches grow.
 * - Versions placed inline share one lane, this thread, by deficit round robin over milliseconds of
 *   predicted run time (Shreedhar and Varghese 1996), corrected by what the run took: a version with
 *   dear rows gets no more of the thread than one with cheap rows. A version on workers has lanes of
 *   its own.
 * - A shadow never goes before anything else: it runs only while no other version has a row waiting and
 *   a core is spare, one short batch at a time.
 *
 * Pure: time is an argument, and a batch that was given out is in flight until `end` says otherwise.
 */
import { BATCH_BYTES_MAX, BATCH_ROWS_MAX, BATCH_RUN_MS_MAX } from '../limits.ts';
import type { BatchCost } from './batch-cost.ts';
import type { Cut, Part, QueuedRequest } from './batch-queue.ts';
import { HOP_MS, type RunPlace } from './place-runs.ts';
import { ShadowPace } from './shadow-pace.ts';
import { type SchedulerLimits, VersionQueue, type VersionTerms } from './version-queue.ts';

/** Small beside what a caller feels, as a version may use all of it at a stretch. */
const QUANTUM_MS = 0.5;
/** A version whose run took far longer than predicted pays it back within some rounds. */
const DEBT_MS_MAX = 20;

export interface Batch<R> extends Cut<R> {
  readonly version: string;
  readonly isShadow: boolean;
  readonly place: RunPlace;
  readonly predictedMs: number;
  /** What learns from the run; a version served anew has another one. */
  readonly cost: BatchCost;
}

export class BatchScheduler<R extends QueuedRequest> {
  readonly #limits: SchedulerLimits;
  readonly #versions = new Map<string, VersionQueue<R>>();
  /** The first is the one whose turn it is. */
  #ring: VersionQueue<R>[] = [];
  readonly #pace = new ShadowPace();
  #inFlight = 0;
  #isThreadBusy = false;

  constructor(limits: SchedulerLimits) {
    this.#limits = {
      ...limits,
      rowsMax: Math.min(limits.rowsMax, BATCH_ROWS_MAX),
      bytesMax: Math.min(limits.bytesMax, BATCH_BYTES_MAX),
      runMsMax: Math.min(limits.runMsMax, BATCH_RUN_MS_MAX),
    };
  }

  /** Once more for a version that is there: what waits and what is in flight stays. */
  serve(name: string, terms: VersionTerms, nowMs: number): void {
    const before = this.#versions.get(name);
    const version = new VersionQueue(name, terms, this.#limits, nowMs, before);
    this.#versions.set(name, version);
    if (before === undefined) this.#ring.push(version);
    else this.#ring[this.#ring.indexOf(before)] = version;
  }

  /** The version must have nothing waiting and nothing in flight. */
  remove(name: string): void {
    this.#versions.delete(name);
    this.#ring = this.#ring.filter((version) => version.name !== name);
  }

  version(name: string): VersionQueue<R> {
    const version = this.#versions.get(name);
    if (version === undefined) throw new Error(`model version ${name} is not served`);
    return version;
  }

  /** No later than the earliest deadline of what waits. */
  get deadlineMs(): number {
    let deadlineMs = Number.POSITIVE_INFINITY;
    for (const version of this.#ring) deadlineMs = Math.min(deadlineMs, version.deadlineMs);
    return deadlineMs;
  }

  /** When a shadow that rests may go on; Infinity where none waits for that. */
  shadowMs(nowMs: number): number {
    const { restUntilMs } = this.#pace;
    if (restUntilMs <= nowMs) return Number.POSITIVE_INFINITY;
    const isWaiting = this.#ring.some((version) => version.isShadow && version.hasWork);
    return isWaiting ? restUntilMs : Number.POSITIVE_INFINITY;
  }

  /** Takes out what is past its deadline; to be done before `next` at the same time. */
  expire(nowMs: number): readonly Part<R>[] {
    return this.#ring.flatMap((version) => version.expire(nowMs));
  }

  /** Takes out all that waits and will not run. */
  takeAll(): readonly Part<R>[] {
    return this.#ring.flatMap((version) => version.takeAll());
  }

  /** The next batch to start; `null`: no lane is free for anything that waits. */
  next(nowMs: number): Batch<R> | null {
    let isWaiting = false;
    for (const version of this.#ring) {
      if (version.isShadow || !version.hasWork) continue;
      isWaiting = true;
      if (!version.isInline && this.#hasLane(version)) return this.#start(version, nowMs);
    }
    const turn = isWaiting ? this.#turnOf(false) : this.#shadow(nowMs);
    return turn === null ? null : this.#start(turn, nowMs);
  }

  /** `durationMs`: of the run alone; `null` where it failed and says nothing about the cost. */
  end(batch: Batch<R>, durationMs: number | null, nowMs: number): void {
    const version = this.version(batch.version);
    if (version.isShadow) {
      this.#pace.shadowRan(this.#heldMs(batch, durationMs), nowMs);
    } else this.#pace.othersRan();
    version.inFlight -= 1;
    this.#inFlight -= 1;
    if (batch.place === 'inline') this.#isThreadBusy = false;
    if (durationMs === null || batch.cost !== version.cost) return;
    if (batch.place === 'inline') {
      const deficitMs = version.deficitMs + batch.predictedMs - durationMs;
      version.deficitMs = Math.max(-DEBT_MS_MAX, deficitMs);
    }
    // A run from before a move tells nothing about the new place.
    if (batch.place !== version.placement.place) return;
    version.cost.observe(batch.rowCount, durationMs);
    version.placement.ran(batch.rowCount, durationMs);
  }

  /** A shadow's rows have been settled, which took so long: it rests for that as well. */
  shadowSettled(durationMs: number, nowMs: number): void {
    this.#pace.shadowSettled(durationMs, nowMs);
  }

  /** Where the version should run from now on, `null`: where it does. */
  decidePlace(name: string, nowMs: number): RunPlace | null {
    const version = this.version(name);
    let othersShare = 0;
    for (const other of this.#ring) {
      if (other === version || other.isShadow || !other.isInline) continue;
      othersShare += other.placement.share;
    }
    return version.placement.decide(nowMs, version.placeLimits, othersShare);
  }

  /** How long a shadow's run held what others use: the thread that answers, and a core they could have. */
  #heldMs({ place, predictedMs }: Batch<R>, durationMs: number | null): number {
    const runMs = durationMs ?? predictedMs;
    if (place === 'inline') return runMs;
    const { coreCount, workerCount } = this.#limits;
    const isShared = this.#ring.some((version) => !version.isShadow && !version.isInline);
    // Besides them one for the run, and one for the collector's threads.
    const isApart = coreCount >= 1 + (isShared ? workerCount : 0) + 2;
    return isApart ? HOP_MS : HOP_MS + runMs;
  }

  #hasLane(version: VersionQueue<R>): boolean {
    if (version.isInline) return !this.#isThreadBusy && version.inFlight === 0;
    return version.inFlight < (version.isShadow ? 1 : version.batchesInFlightMax);
  }

  #canRunInline(version: VersionQueue<R>): boolean {
    return version.isInline && version.hasWork && this.#hasLane(version);
  }

  #shadow(nowMs: number): VersionQueue<R> | null {
    if (this.#inFlight >= this.#limits.coreCount || nowMs < this.#pace.restUntilMs) return null;
    for (const version of this.#ring) {
      const isCandidate = version.isShadow && !version.isInline && version.hasWork;
      if (isCandidate && this.#hasLane(version)) return version;
    }
    return this.#turnOf(true);
  }

  /** Whose turn it is on this thread, by deficit round robin; `null` where nothing can run on it. */
  #turnOf(isShadow: boolean): VersionQueue<R> | null {
    if (this.#isThreadBusy) return null;
    let candidate: VersionQueue<R> | null = null;
    let candidateCount = 0;
    for (const version of this.#ring) {
      if (version.isShadow !== isShadow) continue;
      // Nobody saves up for later what there was no use for.
      if (!version.hasWork) version.deficitMs = 0;
      if (!this.#canRunInline(version)) continue;
      candidate = version;
      candidateCount += 1;
    }
    if (candidateCount < 2) {
      if (candidate !== null) candidate.deficitMs = 0;
      return candidate;
    }
    return this.#roundRobin(isShadow);
  }

  /** Of at least two versions that can run on this thread. */
  #roundRobin(isShadow: boolean): VersionQueue<R> {
    const ring = this.#ring;
    const isCandidate = (version: VersionQueue<R>) =>
      version.isShadow === isShadow && this.#canRunInline(version);
    let cheapestMs = Number.POSITIVE_INFINITY;
    for (const version of ring) {
      if (isCandidate(version)) cheapestMs = Math.min(cheapestMs, version.nextMs());
    }
    // No round without a batch, however dear all of them are.
    const quantumMs = Math.max(QUANTUM_MS, cheapestMs);
    for (;;) {
      const first = ring[0]!;
      if (isCandidate(first) && first.deficitMs >= first.nextMs()) return first;
      ring.push(ring.shift()!);
      const next = ring[0]!;
      if (isCandidate(next)) next.deficitMs += quantumMs;
    }
  }

  #start(version: VersionQueue<R>, nowMs: number): Batch<R> {
    const { parts, rowCount, trigger } = version.cut(nowMs);
    const { name, isShadow, cost } = version;
    const { place } = version.placement;
    const predictedMs = cost.predictMs(rowCount);
    version.inFlight += 1;
    this.#inFlight += 1;
    if (place === 'inline') {
      this.#isThreadBusy = true;
      version.deficitMs -= predictedMs;
    }
    return { version: name, isShadow, parts, rowCount, trigger, place, predictedMs, cost };
  }
}
