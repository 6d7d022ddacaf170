import { onStopSignals } from '@warren/service-kit';

/** Aborts on the first SIGINT or SIGTERM. Another one, at least a second later, ends the process at once. */
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
  aborted.catch(() => undefined); // Those who race against it see the rejection.
  return aborted;
}
