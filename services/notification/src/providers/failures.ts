/** No retry can help, so the delivery is given up at once. After any other error it is tried again. */
export class Undeliverable extends Error {
  override readonly name = 'Undeliverable';
}

/** The push service doesn't know the subscription any more. */
export class SubscriptionGone extends Undeliverable {}

/** A short code of a failure, for rows and logs. It leaves out the error's message, which may contain an address. */
export function failureCode(error: unknown): string {
  if (error instanceof Undeliverable) return error.message;
  const { code, responseCode, status, name } = (error ?? {}) as Record<string, unknown>;
  const codes = [code ?? name, responseCode, status].filter((each) =>
    ['string', 'number'].includes(typeof each),
  );
  return codes.join(' ').slice(0, 100) || 'unknown';
}
