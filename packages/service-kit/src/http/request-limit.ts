import { AppError } from '@warren/contracts';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { LRUCache } from 'lru-cache';
import { userIdOf } from './authentication.js';
import { networkOf } from './client-address.js';

/**
 * The `config.rateLimit` of a route: requests a minute to one instance, from one signed-in user, or from one client
 * network if nobody is signed in.
 */
export function perMinute(max: number) {
  return { max, timeWindow: '1 minute' };
}

/** Many people share a network, so it may send so many times the requests of one person. */
const peopleOfANetwork = 10;

/**
 * Limits the requests to routes that have no limit of their own, on this instance. Each user may send `perMinute`
 * requests, and each network ten times as many without a valid token. Requests with a valid token don't count for the
 * network, so nobody can lock out others who share it.
 */
export class RequestLimit {
  readonly #perMinute: number;
  readonly #users: MinuteCounts;
  readonly #networks: MinuteCounts;

  /** `perMinute`: requests of one user. `now`: milliseconds of a monotonic clock. */
  constructor(perMinute: number, now: () => number = () => performance.now()) {
    this.#perMinute = perMinute;
    this.#users = new MinuteCounts(now);
    this.#networks = new MinuteCounts(now);
  }

  /** Counts a request for its user, or for its network if nobody is signed in. Throws `rate-limited`, with `retry-after`. */
  count(request: FastifyRequest, reply: FastifyReply): void {
    const userId = userIdOf(request);
    if (userId === undefined) this.countUnauthenticated(request, reply);
    else refuse(this.#users.add(userId, this.#perMinute), reply);
  }

  /** Counts a request whose token is missing, invalid or expired for its network. Throws as `count` does. */
  countUnauthenticated(request: FastifyRequest, reply: FastifyReply): void {
    const network = networkOf(request.clientAddress);
    refuse(this.#networks.add(network, peopleOfANetwork * this.#perMinute), reply);
  }
}

function refuse(waitSeconds: number | undefined, reply: FastifyReply): void {
  if (waitSeconds === undefined) return;
  reply.header('retry-after', waitSeconds);
  throw new AppError('rate-limited');
}

/** Counts requests to all routes and unknown paths, after authentication, when the user is known. */
export function limitRequests(http: FastifyInstance, limit: RequestLimit): void {
  http.addHook('preParsing', async (request, reply) => {
    const { rateLimit, unlimited } = request.routeOptions.config;
    if (!rateLimit && !unlimited) limit.count(request, reply);
  });
}

const minuteMs = 60_000;

/**
 * Counts by key within each minute, in bounded memory. If a minute has more than `maxKeys` keys, the key that was counted
 * least recently is forgotten, so a key that keeps coming is never forgotten.
 */
export class MinuteCounts {
  readonly #now: () => number;
  readonly #counts: LRUCache<string, number>;
  #endsAt = 0;

  /** `now`: milliseconds of a monotonic clock. */
  constructor(now: () => number, maxKeys = 50_000) {
    this.#counts = new LRUCache({ max: maxKeys });
    this.#now = now;
  }

  get size(): number {
    return this.#counts.size;
  }

  /** Counts one more. Beyond `max` within the minute it returns the seconds until the next minute begins. */
  add(key: string, max: number): number | undefined {
    const now = this.#now();
    if (now >= this.#endsAt) {
      this.#counts.clear();
      this.#endsAt = now + minuteMs;
    }
    const count = this.#counts.get(key) ?? 0;
    this.#counts.set(key, Math.min(count, max) + 1);
    return count < max ? undefined : Math.max(1, Math.ceil((this.#endsAt - now) / 1_000));
  }
}
