import { ApiError } from './account.js';

export interface Reply {
  status: number;
  body: unknown;
}

interface Memory {
  request: string;
  reply?: Reply;
}

/**
 * Stripe's idempotency keys. A repeated request with the same key gets the first reply again, errors included. Another
 * request with the key is refused, and so is a repeat while the first request is running.
 *
 * @see https://docs.stripe.com/api/idempotent_requests
 */
export class IdempotencyKeys {
  readonly #memories = new Map<string, Memory>();

  async once(
    key: string,
    request: string,
    work: () => Promise<Reply>,
  ): Promise<Reply & { replayed: boolean }> {
    const memory = this.#memories.get(key);
    if (memory === undefined) {
      const first: Memory = { request };
      this.#memories.set(key, first);
      first.reply = await work();
      return { ...first.reply, replayed: false };
    }
    if (memory.request !== request) {
      const message = 'Keys for idempotent requests can only be used with the same parameters';
      throw new ApiError(400, { type: 'idempotency_error', message });
    }
    if (memory.reply) return { ...memory.reply, replayed: true };
    const message = 'There is currently another in-progress request using this Idempotent Key';
    throw new ApiError(409, { type: 'invalid_request_error', code: 'idempotency_key_in_use', message });
  }

  /** Forgets all keys, as Stripe does after 24 hours. */
  forget(): void {
    this.#memories.clear();
  }
}
