/** Aborts with the first SIGINT or SIGTERM. A second one ends the process at once, without any drain. */
export function stopRequested(): AbortSignal {
  const asked = new AbortController();
  const onSignal = (signal: NodeJS.Signals) => {
    if (asked.signal.aborted) process.exit(130);
    asked.abort(new Error(`asked to stop by ${signal}`));
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return asked.signal;
}

/** Rejects with the signal's reason once it aborts. */
export function abortion(signal: AbortSignal): Promise<never> {
  const aborted = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  aborted.catch(() => undefined); // Whoever races against it hears of it.
  return aborted;
}
