/** No try can ever bring it there: it is given up at once. Any other failure is tried again. */
export class Undeliverable extends Error {
  override readonly name = 'Undeliverable';
}

/** The push service doesn't know the subscription any more. */
export class SubscriptionGone extends Undeliverable {}

/** A failure in a word, for rows and logs: codes only, since messages name addresses. */
export function failureCode(error: unknown): string {
  if (error instanceof Undeliverable) return error.message;
  const { code, responseCode, status, name } = (error ?? {}) as Record<string, unknown>;
  const words = [code ?? name, responseCode, status].filter((word) =>
    ['string', 'number'].includes(typeof word),
  );
  return words.join(' ').slice(0, 100) || 'unknown';
}
