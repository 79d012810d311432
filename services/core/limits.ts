/**
 * Every limit of the pipeline, in one place, with the relations between them asserted at load.
 *
 * A limit is where a service stops taking more instead of failing later: beyond it an event goes to
 * quarantine, a queue exerts backpressure, a configuration is refused.
 */

/** One event's value; larger ones are quarantined before parsing. Kafka's own default is 1 MiB. */
export const EVENT_BYTES_MAX = 1_048_576;
/** Bytes of a refused value that quarantine keeps; a longer value is cut and its header says so. */
export const QUARANTINE_VALUE_BYTES_MAX = 16 * 1_048_576;
/** Items of all arrays and maps of one event together, against five-byte Avro bombs. */
export const EVENT_ITEMS_MAX = 100_000;
/** Nesting of one event, against stack exhaustion by recursive schemas or JSON. */
export const EVENT_DEPTH_MAX = 64;
/** Characters of an event id: it becomes a key, a hash input and a label of nothing. */
export const EVENT_ID_LENGTH_MAX = 512;
/** Event times outside [0, this) are refused for ever, in replays too: 2100-01-01T00:00:00Z. */
export const EVENT_TIME_MS_MAX = 4_102_444_800_000;
export const REJECTION_MESSAGE_LENGTH_MAX = 500;

/** Columns of one monitor. */
export const COLUMNS_MAX = 1_000;
/** Distinct values of one slice column in one pane; further values are counted as `(other)`. */
export const SLICE_VALUES_MAX = 100;
/** Distinct values of one categorical column counted exactly; further ones are counted as other. */
export const CATEGORIES_MAX = 1_024;
/** Characters of a category value that are kept; the rest is cut before counting. */
export const CATEGORY_LENGTH_MAX = 256;
/**
 * Panes of one partition open, or kept for a window or its revision, at a time: the longest window, the
 * allowed lateness and the time for revisions, divided by the pane's length.
 */
export const OPEN_PANES_MAX = 10_000;
/** Sliding windows that one event is in at most: each costs a merge of its panes. */
export const WINDOW_SLIDES_MAX = 1_000;
/** Windows of a trailing baseline, and weeks of a calendar one: their content is kept. */
export const BASELINE_STRETCHES_MAX = 100;

/** Rows of one micro-batch through a model. */
export const BATCH_ROWS_MAX = 1_024;
/** Input bytes of one micro-batch. */
export const BATCH_BYTES_MAX = 16 * 1_048_576;
/** A batch that would run for longer is cut, whatever the monitor asks for. */
export const BATCH_RUN_MS_MAX = 5_000;
/** The longest an inline run may hold the event loop. */
export const INLINE_RUN_MS_MAX = 2;
/** Rows waiting for one model version; beyond, reading pauses and HTTP callers are sent away. */
export const QUEUE_ROWS_MAX = 16_384;
/**
 * Rows waiting for a shadow version; beyond, new ones are shed and counted. Few, as they wait long and
 * the collector moves each of them twice, on the thread that answers.
 */
export const SHADOW_QUEUE_ROWS_MAX = 512;
/** Further runs spent on finding the failing rows of one batch. */
export const BISECT_RUNS_MAX = 64;
/** A run that takes this long, or this many times what was predicted, is stuck. */
export const RUN_STUCK_MS = 10_000;
/** How often a batch runs again because its thread ended. */
export const WORKER_RETRIES_MAX = 2;
/** Worker threads of one model: each holds the model in memory once more. */
export const MODEL_WORKERS_MAX = 64;
/** Opening a model file that is tried; beyond it is refused. */
export const MODEL_OPEN_MS_MAX = 300_000;
/** A model that takes more of the processor to open would hold the event loop: it never runs inline by itself. */
export const INLINE_OPEN_MS_MAX = 10;
/** Threads that ONNX Runtime spreads one run over. */
export const MODEL_THREADS_MAX = 64;
/** An event's deadline, the pause of an open circuit, the life of a remembered prediction. */
export const MODEL_DURATION_MS_MAX = 24 * 3_600_000;
/** Rows that a circuit judges a version by. */
export const CIRCUIT_ROWS_MAX = 1_000_000;
/** Nodes of one ensemble, models and combiners. */
export const ENSEMBLE_NODES_MAX = 64;
/** Versions held in memory besides those that answer, for an instant rollback. */
export const MODEL_VERSIONS_KEPT_MAX = 2;
/** How often the folder of versions is looked at. */
export const MODEL_FOLDER_INTERVAL_MS = 1_000;
/** Changes of a rollout that rollout.json remembers. */
export const ROLLOUT_HISTORY_MAX = 100;
/** Files of one version's folder that are looked at for changes; a folder with more is refused. */
export const VERSION_FILES_MAX = 1_000;
/** Body of an inference request over HTTP: 1 024 rows of 20 numbers have 0.4 MB, and parsing holds the thread for 12 ms a megabyte. */
export const INFERENCE_BODY_BYTES_MAX = 1_048_576;
/** Entries of a list file that a policy reads. */
export const LIST_ENTRIES_MAX = 1_000_000;
/** The same file. */
export const LIST_BYTES_MAX = 64 * 1_048_576;
/** Predictions remembered at most. */
export const CACHE_ENTRIES_MAX = 10_000_000;

/** Records handed to a service by one poll. */
export const POLL_RECORDS_MAX = 2_000;
/** A compressed batch of records, expanded; a reader refuses a larger one. Its producer's own limit is 1 MiB by default. */
export const RECORD_BATCH_BYTES_MAX = 64 * 1_048_576;
/** Bytes prefetched per partition before it is paused. */
export const PREFETCH_BYTES_MAX = 8 * 1_048_576;
/** Records of a partition that wait in the embedded bus before its producer does. */
export const EMBEDDED_BACKLOG_RECORDS_MAX = 50_000;
/** How long a poll waits for a first record. */
export const POLL_WAIT_MS = 250;

/** A stateful service commits at the latest after this many records of a partition … */
export const FLUSH_RECORDS_MAX = 20_000;
/** … or after this long with uncommitted ones. */
export const FLUSH_INTERVAL_MS = 1_000;
/** State of a replay run nobody touches any more is forgotten after this long; live state never is. */
export const STATE_LIFETIME_MS = 7 * 24 * 3_600_000;

/** Kafka session timeout: a member silent for longer loses its partitions. May be set between the two below. */
export const SESSION_TIMEOUT_MS = 30_000;
export const SESSION_TIMEOUT_MS_MIN = 6_000;
export const SESSION_TIMEOUT_MS_MAX = 300_000;
/** How soon readers and writers of Kafka notice partitions that were added to a topic. */
export const TOPIC_METADATA_AGE_MS_MAX = 10_000;
/** A group tells a member within a few heartbeats what it has lost; an owner fenced for longer stops. */
export const FENCED_PATIENCE_MS = 5_000;
/** Requests to Kafka, Redis and a schema registry. */
export const REQUEST_TIMEOUT_MS = 10_000;
/** How long a dependency may fail before a service stops loudly; consumption waits meanwhile. */
export const RETRY_PATIENCE_MS = 300_000;
/** Attempts of the Kafka client at one request, and of a service at its start. */
export const RETRY_ATTEMPTS_MAX = 20;
export const RETRY_BACKOFF_MS_MIN = 100;
export const RETRY_BACKOFF_MS_MAX = 5_000;
/** One batch of a redrive: a single request to the bus, so that it arrives whole or not at all. */
export const REDRIVE_BATCH_RECORDS_MAX = 500;
export const REDRIVE_BATCH_BYTES_MAX = 500_000;
/** A redrive sends a batch at the latest this long after it began to announce it in the store. */
export const REDRIVE_LEASE_MS = 5_000;
/**
 * How long a redrive waits before it reads the event topic for a batch whose outcome is not known:
 * lease, connecting, sending, and `replica.lag.time.max.ms` of a broker (30 s) are over by then.
 */
export const REDRIVE_SETTLE_MS = 60_000;
/** How long a service may take to drain on stop. */
export const STOP_DEADLINE_MS = 10_000;

/** Record contexts linked from one `process` span; the OpenTelemetry limit. */
export const SPAN_LINKS_MAX = 128;
/** Schemas kept from a registry. */
export const WRITER_SCHEMAS_MAX = 256;
/** One schema document from a registry or file. */
export const SCHEMA_BYTES_MAX = 1_048_576;
/** One configuration file. */
export const CONFIG_BYTES_MAX = 4 * 1_048_576;
/** A reference profile. */
export const REFERENCE_BYTES_MAX = 64 * 1_048_576;

function assertRelation(holds: boolean, relation: string): void {
  if (!holds) throw new Error(`limits.ts: ${relation} does not hold`);
}
assertRelation(INLINE_RUN_MS_MAX < BATCH_RUN_MS_MAX, 'INLINE_RUN_MS_MAX < BATCH_RUN_MS_MAX');
assertRelation(BATCH_RUN_MS_MAX < RUN_STUCK_MS, 'BATCH_RUN_MS_MAX < RUN_STUCK_MS');
assertRelation(RUN_STUCK_MS < SESSION_TIMEOUT_MS, 'RUN_STUCK_MS < SESSION_TIMEOUT_MS');
assertRelation(POLL_RECORDS_MAX <= QUEUE_ROWS_MAX, 'POLL_RECORDS_MAX <= QUEUE_ROWS_MAX');
assertRelation(POLL_WAIT_MS < FLUSH_INTERVAL_MS, 'POLL_WAIT_MS < FLUSH_INTERVAL_MS');
assertRelation(FLUSH_INTERVAL_MS < SESSION_TIMEOUT_MS, 'FLUSH_INTERVAL_MS < SESSION_TIMEOUT_MS');
assertRelation(REQUEST_TIMEOUT_MS < SESSION_TIMEOUT_MS, 'REQUEST_TIMEOUT_MS < SESSION_TIMEOUT_MS');
assertRelation(
  REDRIVE_LEASE_MS + 2 * REQUEST_TIMEOUT_MS + 30_000 < REDRIVE_SETTLE_MS,
  'REDRIVE_LEASE_MS + 2 * REQUEST_TIMEOUT_MS + 30_000 < REDRIVE_SETTLE_MS',
);
assertRelation(STOP_DEADLINE_MS < SESSION_TIMEOUT_MS, 'STOP_DEADLINE_MS < SESSION_TIMEOUT_MS');
assertRelation(
  QUARANTINE_VALUE_BYTES_MAX < RECORD_BATCH_BYTES_MAX,
  'QUARANTINE_VALUE_BYTES_MAX < RECORD_BATCH_BYTES_MAX',
);
assertRelation(EVENT_BYTES_MAX <= PREFETCH_BYTES_MAX, 'EVENT_BYTES_MAX <= PREFETCH_BYTES_MAX');
assertRelation(BATCH_ROWS_MAX <= POLL_RECORDS_MAX, 'BATCH_ROWS_MAX <= POLL_RECORDS_MAX');
assertRelation(
  FLUSH_RECORDS_MAX + POLL_RECORDS_MAX < EMBEDDED_BACKLOG_RECORDS_MAX,
  'FLUSH_RECORDS_MAX + POLL_RECORDS_MAX < EMBEDDED_BACKLOG_RECORDS_MAX',
);
