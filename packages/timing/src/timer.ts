/** The longest delay of a timer, in milliseconds. A timer with a longer one fires at once. */
const maxTimeoutMs = 2 ** 31 - 1;

/** `setTimeout` for any number of milliseconds. Returns a function that cancels it. */
export function after(ms: number, run: () => void): () => void {
  let timer: ReturnType<typeof setTimeout>;
  const start = (left: number): void => {
    const step = Math.min(Math.max(0, left), maxTimeoutMs);
    timer = setTimeout(() => (left > step ? start(left - step) : run()), step);
  };
  start(ms);
  return () => clearTimeout(timer);
}
