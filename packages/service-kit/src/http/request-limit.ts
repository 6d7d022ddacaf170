import { AppError } from '@warren/contracts';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { userIdOf } from './authentication.js';
import { networkOf } from './client-address.js';
import { MinuteCounts } from './minute-counts.js';

/** A network, which many people share, may ask for so many times what one person may. */
const peopleOfANetwork = 10;

/**
 * Limits the requests to routes that have no limit of their own, on this instance: each person has `perMinute`, and each
 * network ten times as many without a good token. A person's requests don't count for their network, so that nobody who
 * shares it keeps them out.
 */
export class RequestLimit {
  readonly #perMinute: number;
  readonly #people: MinuteCounts;
  readonly #networks: MinuteCounts;

  /** `perMinute`: requests of one person. `now`: milliseconds of a clock that only goes forward. */
  constructor(perMinute: number, now: () => number = () => performance.now()) {
    this.#perMinute = perMinute;
    this.#people = new MinuteCounts(now);
    this.#networks = new MinuteCounts(now);
  }

  /** Counts a request for its person, or for its network if nobody has signed in. Throws `rate-limited`, with `retry-after`. */
  count(request: FastifyRequest, reply: FastifyReply): void {
    const userId = userIdOf(request);
    if (userId === undefined) this.countStranger(request, reply);
    else refuse(this.#people.add(userId, this.#perMinute), reply);
  }

  /** Counts a request for its network, as one whose token is missing, invalid or expired. Throws as `count` does. */
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

/** Counts requests to all routes and to paths without one, after authentication, when it is known who asks. */
export function limitRequests(http: FastifyInstance, limit: RequestLimit): void {
  http.addHook('preParsing', async (request, reply) => {
    const { rateLimit, unlimited } = request.routeOptions.config;
    if (!rateLimit && !unlimited) limit.count(request, reply);
  });
}
