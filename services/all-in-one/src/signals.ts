import { onStopSignals } from '@warren/service-kit';

/** Aborts with the first SIGINT or SIGTERM. One that comes a second or more later ends the process without any drain. */
export function stopRequested(): AbortSignal {
  const asked = new AbortController();
  onStopSignals({
    asked: (signal) => asked.abort(new Error(`asked to stop by ${signal}`)),
    hurried: () => process.exit(130),
  });
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
