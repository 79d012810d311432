/**
 * Entry of the process in which a model file is tried: opens it, runs blank rows in growing batches,
 * says what it found, and ends. It ends too when nobody listens any more.
 */
import { CodedError } from '../../core/errors.ts';
import { INLINE_RUN_MS_MAX } from '../../core/limits.ts';
import { sampleCost, warmUpRows } from './model-cost.ts';
import { messageOf, refuseModel } from './model-error.ts';
import type { ModelTrial, TrialReply, TrialRequest } from './model-trial.ts';
import { exampleBatch } from './onnx-session.ts';
import { openModel } from './open-model.ts';

if (process.send === undefined) throw new Error('onnx-model-trial runs as a child process only');

function say(reply: TrialReply): Promise<void> {
  return new Promise((resolve) => {
    process.send!(reply, () => resolve());
  });
}

async function tryFile({ file, threadCount, rowsMax }: TrialRequest): Promise<ModelTrial> {
  const { run, feed, description, openMs } = await openModel(file, threadCount, (rowCount) =>
    say({ kind: 'running', rowCount }),
  );
  const rowCounts = warmUpRows(rowsMax, description.batchRowsFixed);
  try {
    const costSamples = await sampleCost(
      (rowCount) => run(exampleBatch(feed, rowCount)),
      rowCounts,
      // A longer batch never runs inline; the warm-up of a worker goes on from there.
      INLINE_RUN_MS_MAX,
    );
    return { feed, description, openMs, warmUpRows: rowCounts, costSamples };
  } catch (error) {
    throw refuseModel(file, `it cannot be warmed up: ${messageOf(error)}`, error);
  }
}

async function answer(request: TrialRequest): Promise<void> {
  try {
    await say({ kind: 'tried', trial: await tryFile(request) });
  } catch (error) {
    const code = error instanceof CodedError ? error.code : 'configuration.model';
    await say({ kind: 'refused', code, message: messageOf(error) });
  }
  process.disconnect();
}

// Ctrl-C reaches every process of the terminal; when this one is to end is the other one's decision.
process.on('SIGINT', () => undefined);
process.on('disconnect', () => process.exit());
process.once('message', (request: TrialRequest) => void answer(request));
