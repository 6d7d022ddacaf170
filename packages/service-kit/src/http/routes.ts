import type {} from '@fastify/rate-limit';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { Principal } from '@warren/realtime';
import type { Cause } from '@warren/unit-of-work';
import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyPluginAsync,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Every route requires an access token, except those with `none`. */
    auth?: 'none';
    /** `true` exempts this route from all limits. Only for cheap responses that others can't work without. */
    unlimited?: true;
  }
  interface FastifyRequest {
    /** The signed-in user. Throws on a route with `auth: 'none'`, since reading it there is a programming error. */
    readonly principal: Principal;
    /** The address that the request comes from: the peer, or with `TRUST_PROXY` the address that the proxy names. */
    readonly clientAddress: string;
    /** The client's `x-correlation-id` if it is acceptable; otherwise a new id. */
    readonly correlationId: string;
    /** For `uow.run` and `uow.once`, so that the events carry the correlation id of this request. */
    readonly cause: Cause;
  }
}

/** A Fastify instance whose handlers are typed by the TypeBox schemas of their routes. */
export type Http = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

/** Routes whose handlers are typed by their schemas: `http: [routes((http) => { http.get(…) })]`. */
export function routes(register: (http: Http) => void | Promise<void>): FastifyPluginAsync {
  return async (instance) => {
    await register(instance.withTypeProvider<TypeBoxTypeProvider>());
  };
}
