import { join } from 'node:path';
import { startLocalPostgres } from '@warren/local-postgres';
import type { Started } from './started.js';
import type { Workshop } from './workshop.js';

export async function startPostgresProcess(workshop: Workshop): Promise<Started> {
  const folder = join(workshop.folder, 'postgres');
  const postgres = await startLocalPostgres({ folder, durable: false, maxConnections: 400 });
  await workshop.record(postgres.pid);
  return {
    what: `${postgres.description}, a private process`,
    env: { WARREN_TEST_DATABASE_URL: postgres.url('postgres') },
    stop: postgres.stop,
  };
}
