/**
 * Ctrl-C and SIGTERM as an abort signal: the first asks for an orderly end, a second ends at once.
 */
let controller: AbortController | null = null;

export function interruptSignal(): AbortSignal {
  if (controller === null) {
    const created = new AbortController();
    controller = created;
    for (const name of ['SIGINT', 'SIGTERM'] as const) {
      process.on(name, () => {
        if (created.signal.aborted) process.exit(130);
        created.abort(new Error(`stopped by ${name}`));
      });
    }
  }
  return controller.signal;
}
