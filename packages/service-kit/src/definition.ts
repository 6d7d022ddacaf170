import type { ServiceContract } from '@warren/contracts';
import type { RealtimeNode, UserListener } from '@warren/realtime';
import type {
  EventHandler,
  RawClient,
  SnapshotSource,
  TransactionalClient,
  Tx,
  UnitOfWork,
} from '@warren/unit-of-work';
import type { FastifyPluginAsync } from 'fastify';
import type { JWTVerifyGetKey } from 'jose';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { Static, TObject } from 'typebox';
import type { Commands } from './commands/commands.js';
import type { KitConfig } from './config/kit-config.js';
import type { RevocationSource } from './revocations/source.js';

/** A service's client: Prisma's, over the pool that the kit made for this service. */
export interface ServiceClient<Db extends RawClient> extends TransactionalClient<Db> {
  $disconnect(): Promise<void>;
}

/** Everything that makes a service this one and not another. `defineService` only helps inference. */
export interface ServiceDefinition<
  Config extends TObject = TObject,
  Db extends RawClient = RawClient,
  Client extends ServiceClient<Db> = ServiceClient<Db>,
  C extends ServiceContract = ServiceContract,
> {
  /** Its `service` names the queue, the namespace and the logs. */
  contract: C;
  /** Default port where `PORT` isn't set. */
  port: number;
  /** The service's own environment variables; the kit adds those that all services share. */
  config: Config;
  database: {
    /** Annotate `pool`, so that the types of all handlers follow from what this answers: `(pool: Pool) => …`. */
    client(pool: Pool): Client;
    /** The folder with `schema.prisma` and `migrations/`. */
    prisma: URL;
  };
  /**
   * Made by `project` and `react`. What this service consumes follows from them; they are here, and not among the doors,
   * so that tools can read that without starting the service.
   */
  events?: readonly EventHandler<Tx<NoInfer<Db>, NoInfer<C>>>[];
  doors(context: ServiceContext<Static<Config>, Db, Client, C>): Doors<Db, C> | Promise<Doors<Db, C>>;
}

export interface ServiceContext<
  Config,
  Db extends RawClient,
  Client extends ServiceClient<Db>,
  C extends ServiceContract,
> {
  config: Config & KitConfig;
  client: Client;
  uow: UnitOfWork<Db, C>;
  sockets: ServiceSockets;
  withLease: WithLease;
  log: Logger;
}

/**
 * Runs `work` under the lease of this name, which one instance of the service holds at a time; resolves to `undefined` if
 * another instance holds it. `lost` turns true when the lease couldn't be renewed: then the work should end, since another
 * instance may begin. For a moment two may be at work, so that must do no harm. Rejects if the database fails, and as
 * `work` does.
 */
export type WithLease = <T>(
  name: string,
  work: (lost: () => boolean) => Promise<T>,
) => Promise<T | undefined>;

/** The service's namespace, for what is no feed: who is connected to this process, and hints between processes. */
export interface ServiceSockets
  extends Pick<RealtimeNode, 'hint' | 'onHint' | 'connectedUsers'>,
    Readonly<{ onUsers(listener: UserListener): void }> {}

/** The entrances of a service, and its background work. Event handlers are in the definition instead. */
export type Doors<Db, C extends ServiceContract> = CommandsDoor<C> & {
  http: FastifyPluginAsync[];
  /** What services whose copies start late get from this one. */
  snapshots?: readonly SnapshotSource<Db, C>[];
  background?: Background[];
  /**
   * Routes of the internal listener, which nobody outside reaches: `/internal/…` for other services, open, and
   * `/admin/…` for operators, who need the role `admin`.
   */
  internal?: FastifyPluginAsync[];
  /** For the service that ends sessions itself: what it ended lately, without a detour over HTTP. */
  revocations?: RevocationSource;
  /** For the service that signs tokens itself: its keys without a detour over HTTP. */
  keys?: JWTVerifyGetKey;
};

type CommandsDoor<C extends ServiceContract> = [keyof C['commands']] extends [never]
  ? { commands?: undefined }
  : { commands: Commands<C> };

/** Work without a caller, for example a sweeper. Started after the doors open, stopped before they close. */
export interface Background {
  name: string;
  start(): void;
  stop(): Promise<void>;
}

/** What a client's interactive transactions hand to their work. */
export type DbOf<Client> = Client extends ServiceClient<infer Db> ? Db : never;

export function defineService<
  Config extends TObject,
  Client extends ServiceClient<RawClient>,
  const C extends ServiceContract,
>(
  definition: ServiceDefinition<Config, DbOf<Client>, Client & ServiceClient<DbOf<Client>>, C>,
): ServiceDefinition<Config, DbOf<Client>, Client & ServiceClient<DbOf<Client>>, C> {
  return definition;
}
