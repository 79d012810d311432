/**
 * One call of the backend, for as long as somebody waits for it: until its deadline, at most
 * `DEADLINE_MS_MAX`, or until the connection closes. What comes later is dropped.
 */
import type { ServerResponse } from 'node:http';
import { CodedError } from '../../core/errors.ts';
import type { BackendAnswer, BackendRequest, InferenceBackend } from './inference-backend.ts';
import { DEADLINE_MS_MAX } from './inference-request.ts';

export async function inferInTime(
  backend: InferenceBackend,
  response: ServerResponse,
  request: Omit<BackendRequest, 'signal'>,
): Promise<BackendAnswer> {
  const waitMs = request.deadlineMs ?? DEADLINE_MS_MAX;
  const abandoned = new AbortController();
  const abandon = () => abandoned.abort();
  response.once('close', abandon);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new CodedError('inference.deadline', `there was no answer within ${waitMs} ms`));
      abandon();
    }, waitMs);
  });
  try {
    return await Promise.race([backend.infer({ ...request, signal: abandoned.signal }), late]);
  } finally {
    clearTimeout(timer);
    response.off('close', abandon);
  }
}
