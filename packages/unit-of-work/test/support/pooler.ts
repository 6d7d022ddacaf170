import type { Pool, PoolClient } from 'pg';

export interface Pooler {
  /** Connections through the pooler. Only `query`, and what it takes to lend a client. */
  pool: Pool;
  close(): void;
}

/** As PgBouncer in transaction mode: each transaction gets the server connection that was used longest ago. */
export async function pooler(servers: Pool, size = 3): Promise<Pooler> {
  const free: PoolClient[] = [];
  for (let each = 0; each < size; each++) free.push(await servers.connect());
  const all = [...free];

  function lend(): Pick<PoolClient, 'query' | 'on' | 'off' | 'release'> {
    let pinned: PoolClient | undefined;
    const query = async (text: string, values?: unknown[]) => {
      const server = pinned ?? free.shift();
      if (!server) throw new Error('no server connection is free');
      if (/^\s*BEGIN/.test(text)) pinned = server;
      if (/^\s*(COMMIT|ROLLBACK)/.test(text)) pinned = undefined;
      try {
        return await server.query(text, values);
      } finally {
        if (!pinned) free.push(server);
      }
    };
    const nothing = () => undefined;
    return { query, on: nothing, off: nothing, release: nothing } as never;
  }

  return {
    pool: { connect: async () => lend(), query: lend().query } as unknown as Pool,
    close: () => {
      for (const server of all) server.release(true);
    },
  };
}
