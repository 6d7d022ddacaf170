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
import type { Commands } from './commands.js';
import type { KitConfig } from './config/kit-config.js';
import type { RevocationSource } from './revocations/source.js';

/** A service's Prisma client, over the pool that the kit made for the service. */
export interface ServiceClient<Db extends RawClient> extends TransactionalClient<Db> {
  $disconnect(): Promise<void>;
}

/** The definition of a service. Made by `defineService`, which helps type inference. */
export interface ServiceDefinition<
  Config extends TObject = TObject,
  Db extends RawClient = RawClient,
  Client extends ServiceClient<Db> = ServiceClient<Db>,
  C extends ServiceContract = ServiceContract,
> {
  /** `contract.service` is the name of the service: its queue, namespace and logs have it. */
  contract: C;
  /** The default of `PORT`. */
  port: number;
  /** The service's own environment variables; the kit adds those that all services share. */
  config: Config;
  database: {
    /** Annotate `pool` (`(pool: Pool) => …`), so that the types of all handlers are inferred from the result. */
    client(pool: Pool): Client;
    /** The folder with `schema.prisma` and `migrations/`. */
    prisma: URL;
  };
  /**
   * Made by `project` and `react`. They determine which events the service consumes. They are not among the doors, so that
   * tools can read them without starting the service.
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
 * Runs `work` under the lease of this name, which one instance of the service holds at a time. Resolves to `undefined` if
 * another instance holds it. `lost` returns true once the lease couldn't be renewed; then the work should end, since
 * another instance may begin. For a moment two instances may work, so the work must allow that. Rejects if the database
 * fails, and if `work` rejects.
 */
export type WithLease = <T>(
  name: string,
  work: (lost: () => boolean) => Promise<T>,
) => Promise<T | undefined>;

/** The service's sockets: the users that are connected to this process, and hints between processes. */
export interface ServiceSockets
  extends Pick<RealtimeNode, 'hint' | 'onHint' | 'connectedUsers'>,
    Readonly<{ onUsers(listener: UserListener): void }> {}

/** Where requests and commands enter a service, and its background work. Event handlers are in the definition. */
export type Doors<Db, C extends ServiceContract> = CommandsDoor<C> & {
  http: FastifyPluginAsync[];
  /** The entities that this service replays for services whose copies start later. */
  snapshots?: readonly SnapshotSource<Db, C>[];
  background?: Background[];
  /**
   * Routes of the internal HTTP server, which is not exposed: `/internal/…` for other services, without a token, and
   * `/admin/…` for operators, with the role `admin`.
   */
  internal?: FastifyPluginAsync[];
  /** For the service that ends sessions: its list of revocations, so that it doesn't request it over HTTP. */
  revocations?: RevocationSource;
  /** For the service that signs tokens: its keys, so that it doesn't request them over HTTP. */
  keys?: JWTVerifyGetKey;
};

type CommandsDoor<C extends ServiceContract> = [keyof C['commands']] extends [never]
  ? { commands?: undefined }
  : { commands: Commands<C> };

/** Work that no request starts, for example a sweeper. It starts after the service listens and stops before that ends. */
export interface Background {
  name: string;
  start(): void;
  stop(): Promise<void>;
}

/** The client that interactive transactions pass to their work. */
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
