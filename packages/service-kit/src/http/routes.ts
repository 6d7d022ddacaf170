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
    /** Every route asks for an access token; `none` opens this one to anybody. */
    auth?: 'none';
    /** `true` exempts this route from all limits: its answer costs next to nothing, and others can't work without it. */
    unlimited?: true;
  }
  interface FastifyRequest {
    /** Who calls. Reading it on a route with `auth: 'none'` is a programming error and throws. */
    readonly principal: Principal;
    /** From where the request comes: the peer, or with `TRUST_PROXY` whom the proxy names. */
    readonly clientAddress: string;
    /** The caller's `x-correlation-id` if it was sane, otherwise made here. */
    readonly correlationId: string;
    /** For `uow.run` and `uow.once`: what this request causes carries its correlation. */
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

/** Routes of the HTTP door, typed by their schemas: `http: [routes((http) => { http.get(…) })]`. */
export function routes(register: (http: Http) => void | Promise<void>): FastifyPluginAsync {
  return async (instance) => {
    await register(instance.withTypeProvider<TypeBoxTypeProvider>());
  };
}
