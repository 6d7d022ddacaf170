/**
 * Milliseconds in which repeated signals are one request: Ctrl-C in a terminal reaches a program under npm twice,
 * once from the terminal and once from npm.
 */
const oneRequestMs = 1_000;

export interface StopSignals {
  /** The first SIGINT or SIGTERM asks to stop. Called once. */
  asked(signal: NodeJS.Signals): void;
  /** A signal that comes a second or more after the first asks to stop without waiting. Called for each. */
  hurried(): void;
}

/** Listens for SIGINT and SIGTERM until the process ends. */
export function onStopSignals({ asked, hurried }: StopSignals): void {
  let askedAt: number | undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    const now = performance.now();
    if (askedAt === undefined) {
      askedAt = now;
      asked(signal);
    } else if (now - askedAt >= oneRequestMs) {
      hurried();
    }
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
}
