/**
 * How the inference server says that something failed: one status and one message for every error,
 * sent as `{"error": "…"}`. What is not in the table below is ours to look into, and its message
 * stays here.
 */
import { CodedError, type ErrorCode } from '../../core/errors.ts';

export interface ErrorAnswer {
  readonly status: number;
  readonly message: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** A request refused for what HTTP says about it: path, method, token, size. */
export class RequestRefusal extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.name = 'RequestRefusal';
    this.status = status;
    this.headers = headers;
  }
}

/** For what passes by itself: a full queue, a version that is being loaded. */
export const RETRY_LATER = { 'Retry-After': '1' } as const;

interface CodeAnswer {
  readonly status: number;
  /** Told instead of the error's own message, which may hold what a model file or a thread said. */
  readonly message?: string;
  readonly retry?: true;
}

const CODE_ANSWERS: Partial<Record<ErrorCode, CodeAnswer>> = {
  'inference.input': { status: 400 },
  'inference.run': { status: 500, message: 'the model failed on this request' },
  'inference.output': { status: 500 },
  'inference.deadline': { status: 504 },
  'inference.circuit': { status: 503, retry: true },
  'inference.overload': { status: 503, retry: true },
  'inference.worker': {
    status: 503,
    message: 'the thread that ran the model ended; the request may be sent again',
    retry: true,
  },
};

/** Of the framework's own refusals. */
const FRAMEWORK_ANSWERS: Readonly<Record<string, { status: number; message: string }>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    status: 415,
    message: 'the content type is not supported, expected application/json',
  },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
    status: 400,
    message: 'the body is not as long as its Content-Length says',
  },
  FST_ERR_BAD_URL: { status: 400, message: 'the path is not a valid URL path' },
  FST_ERR_MAX_PARAM_LENGTH: { status: 414, message: 'a name in the path is too long' },
  ECONNRESET: { status: 400, message: 'the body ended before it was complete' },
};

/** `null` for what nobody foresaw: answered with `UNFORESEEN`, and worth a line in the log. */
export function answerOf(error: unknown, bodyBytesMax: number): ErrorAnswer | null {
  if (error instanceof RequestRefusal) return error;
  if (error instanceof CodedError) {
    const answer = CODE_ANSWERS[error.code];
    if (answer === undefined) return null;
    const headers = answer.retry === true ? RETRY_LATER : {};
    return { status: answer.status, message: answer.message ?? error.message, headers };
  }
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return { status: 413, message: `the body is larger than ${bodyBytesMax} bytes`, headers: {} };
  }
  const answer = Object.hasOwn(FRAMEWORK_ANSWERS, code) ? FRAMEWORK_ANSWERS[code] : undefined;
  return answer === undefined ? null : { ...answer, headers: {} };
}

export const UNFORESEEN: ErrorAnswer = { status: 500, message: 'internal error', headers: {} };

export function errorBody(message: string): string {
  return `${JSON.stringify({ error: message })}\n`;
}
