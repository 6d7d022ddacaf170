import { AppError } from '@warren/contracts';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { userIdOf } from './authentication.js';
import { networkOf } from './client-address.js';
import { MinuteCounts } from './minute-counts.js';

/** Many people share one network. */
const peopleOfANetwork = 10;

/**
 * What bounds requests to routes that have no limit of their own: so many a minute of one person on this instance, or
 * ten times as many of one network without a good token. A person's requests don't count for their network, so that
 * nobody who shares it keeps them out.
 */
export class RequestLimit {
  readonly #perMinute: number;
  readonly #people: MinuteCounts;
  readonly #networks: MinuteCounts;

  /** `now`: milliseconds of a clock that only goes forward. */
  constructor(perMinute: number, now: () => number = () => performance.now()) {
    this.#perMinute = perMinute;
    this.#people = new MinuteCounts(now);
    this.#networks = new MinuteCounts(now);
  }

  /** Throws `rate-limited`, with `retry-after`, for one request too many. */
  count(request: FastifyRequest, reply: FastifyReply): void {
    const userId = userIdOf(request);
    if (userId === undefined) this.countStranger(request, reply);
    else refuse(this.#people.add(userId, this.#perMinute), reply);
  }

  /** The same for somebody whose token is none, or no good any more. */
  countStranger(request: FastifyRequest, reply: FastifyReply): void {
    const network = networkOf(request.clientAddress);
    refuse(this.#networks.add(network, peopleOfANetwork * this.#perMinute), reply);
  }
}

function refuse(waitSeconds: number | undefined, reply: FastifyReply): void {
  if (waitSeconds === undefined) return;
  reply.header('retry-after', waitSeconds);
  throw new AppError('rate-limited');
}

/** Requests to all routes of this instance, and to paths without one, count: once it is known who asks. */
export function limitRequests(http: FastifyInstance, limit: RequestLimit): void {
  http.addHook('preParsing', async (request, reply) => {
    const { rateLimit, unlimited } = request.routeOptions.config;
    if (!rateLimit && !unlimited) limit.count(request, reply);
  });
}
