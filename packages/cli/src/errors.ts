/** It was asked for in a way that can't be meant; exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** It could not be done, or not all of it; exit code 1. The message is for people and holds no credentials. */
export class Failure extends Error {
  override readonly name = 'Failure';
}
