/** The circuit of a model version, as a story. */
import { describe, expect, it } from 'vitest';
import {
  type Circuit,
  createCircuit,
  OPEN_DOUBLINGS_MAX,
  PROVEN_WINDOWS,
  TRIAL_ROWS,
} from '../../../services/inference-worker/circuit.ts';

const OPTIONS = { failureShare: 0.5, rowCount: 100, openMs: 1_000 };

function opened(nowMs = 0): Circuit {
  const circuit = createCircuit(OPTIONS);
  expect(circuit.record(50, 0, nowMs)).toBe('opened');
  return circuit;
}

/** How many of so many rows are let through. */
function allowed(circuit: Circuit, rows: number, nowMs: number): number {
  return Array.from({ length: rows }, () => circuit.allows(nowMs)).filter(Boolean).length;
}

describe('a closed circuit', () => {
  it('opens with the row that makes the share of the last rows, not before', () => {
    const circuit = createCircuit(OPTIONS);
    expect(circuit.record(49, 0, 0)).toBeNull();
    expect(circuit.allows(0)).toBe(true);
    expect(circuit.record(1, 0, 0)).toBe('opened');
    expect(circuit.allows(0)).toBe(false);
  });

  it('forgets failures that are older than the last rows', () => {
    const circuit = createCircuit(OPTIONS);
    circuit.record(49, 0, 0);
    circuit.record(0, 52, 0);
    // One of the 49 has left the window.
    expect(circuit.record(1, 0, 0)).toBeNull();
    expect(circuit.record(1, 0, 0)).toBeNull();
  });

  it('is not kept from opening by a batch larger than its window', () => {
    expect(createCircuit(OPTIONS).record(50, 10_000, 0)).toBe('opened');
    expect(createCircuit(OPTIONS).record(10_000, 0, 0)).toBe('opened');
  });

  it('opens at a share that is not exact in binary', () => {
    const circuit = createCircuit({ ...OPTIONS, failureShare: 0.07 });
    expect(circuit.record(7, 0, 0)).toBe('opened');
  });
});

describe('an open circuit', () => {
  it('asks nothing until its time is over, and then a few rows', () => {
    const circuit = opened();
    expect(allowed(circuit, 100, 999)).toBe(0);
    expect(circuit.state(999)).toBe('open');
    expect(allowed(circuit, 100, 1_000)).toBe(TRIAL_ROWS);
    expect(circuit.state(1_000)).toBe('half-open');
  });

  it('takes no notice of rows that were on their way when it opened', () => {
    const circuit = opened();
    expect(circuit.record(0, 1_000, 500)).toBeNull();
    expect(circuit.record(1_000, 0, 500)).toBeNull();
    expect(circuit.state(500)).toBe('open');
    expect(circuit.state(1_000)).toBe('half-open');
  });
});

describe('a half-open circuit', () => {
  it('closes when its trial rows are answered, one bad one among them or not', () => {
    const circuit = opened();
    allowed(circuit, 100, 1_000);
    expect(circuit.record(1, 0, 1_001)).toBeNull();
    expect(circuit.record(0, TRIAL_ROWS - 1, 1_001)).toBe('closed');
    expect(allowed(circuit, 100, 1_001)).toBe(100);
    // What failed before it opened is forgotten.
    expect(circuit.record(49, 0, 1_002)).toBeNull();
  });

  it('opens again when they fail, for twice as long each time, up to a limit', () => {
    const circuit = opened();
    let nowMs = 0;
    const openFor: number[] = [];
    for (let round = 0; round <= OPEN_DOUBLINGS_MAX + 1; round += 1) {
      const sinceMs = nowMs;
      while (circuit.state(nowMs) === 'open') nowMs += 100;
      openFor.push(nowMs - sinceMs);
      allowed(circuit, TRIAL_ROWS, nowMs);
      expect(circuit.record(TRIAL_ROWS, 0, nowMs)).toBeNull();
    }
    const limitMs = 1_000 * 2 ** OPEN_DOUBLINGS_MAX;
    expect(openFor).toEqual([1_000, 2_000, 4_000, 8_000, limitMs, limitMs]);
  });

  /** Closed at 3 000 after a failed trial. */
  function closedAgain(): Circuit {
    const circuit = opened();
    circuit.state(1_000);
    circuit.record(TRIAL_ROWS, 0, 1_000);
    circuit.state(3_000);
    expect(circuit.record(0, TRIAL_ROWS, 3_000)).toBe('closed');
    return circuit;
  }

  it('begins with the first time again once it has been closed for some windows', () => {
    const circuit = closedAgain();
    circuit.record(0, PROVEN_WINDOWS * OPTIONS.rowCount, 3_000);
    expect(circuit.record(50, 0, 3_000)).toBe('opened');
    expect(circuit.state(3_999)).toBe('open');
    expect(circuit.state(4_000)).toBe('half-open');
  });

  it('goes on doubling where it opens soon after it has closed', () => {
    const circuit = closedAgain();
    circuit.record(0, OPTIONS.rowCount, 3_000);
    expect(circuit.record(50, 0, 3_000)).toBe('opened');
    expect(circuit.state(6_999)).toBe('open');
    expect(circuit.state(7_000)).toBe('half-open');
  });

  it('lets further rows through when trial rows never come back', () => {
    const circuit = opened();
    expect(allowed(circuit, 100, 1_000)).toBe(TRIAL_ROWS);
    circuit.record(0, 3, 1_500);
    expect(allowed(circuit, 100, 1_999)).toBe(0);
    expect(allowed(circuit, 100, 2_000)).toBe(TRIAL_ROWS - 3);
    expect(circuit.record(0, 2, 2_001)).toBe('closed');
  });
});
