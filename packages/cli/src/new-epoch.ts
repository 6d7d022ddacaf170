import type { Command } from 'commander';
import { audit } from './audit.js';
import { leaf, type ServiceOptions, serviceOption } from './command.js';
import { type Database, withDatabase } from './connections.js';
import { Failure } from './errors.js';
import type { Io } from './io.js';

interface NewEpochOptions extends ServiceOptions {
  dryRun?: true;
}

interface Meta {
  /** Null where no build has noted yet whose database it is. */
  service: string | null;
  epoch: number;
}

export function addNewEpoch(program: Command, io: Io): void {
  leaf(program, 'new-epoch', {
    summary: 'say that a service’s database was put back to an older state',
    description:
      'Begins a new epoch in a service’s own DATABASE_URL. Clients are told to refetch instead of going on from places ' +
      'that mean something else now; what the service says of its entities outranks what it said before the restore; ' +
      'and copies, its own and those of others, are sent anew. The service notices by itself when PostgreSQL has ' +
      'another system identifier or timeline. After a dump restored into the same server, or files put back, it can’t.',
    examples: ['new-epoch --service payment --dry-run', 'new-epoch --service payment'],
  })
    .addOption(serviceOption('whose database was restored; DATABASE_URL is its database'))
    .option('--dry-run', 'only show the present epoch')
    .action((options: NewEpochOptions) => newEpoch(io, options));
}

async function newEpoch(io: Io, { service, dryRun, json }: NewEpochOptions): Promise<void> {
  await withDatabase(io, async (database) => {
    const { epoch } = await metaOf(database, service);
    if (dryRun) {
      io.out(json ? JSON.stringify({ dryRun: true, epoch }) : `${service} is in epoch ${epoch}`);
      return;
    }
    const [begun] = await database.rows<{ epoch: number }>('SELECT messaging.begin_epoch() AS epoch');
    const now = begun?.epoch ?? epoch;
    audit(io, { command: 'new-epoch', service, id: String(now), type: '*', outcome: 'begun' });
    io.out(json ? JSON.stringify({ epoch: now }) : `${service} is in epoch ${now} now`);
  });
}

async function metaOf(database: Database, service: string): Promise<Meta> {
  const [meta] = await database.rows<Meta>('SELECT service, entity_epoch AS epoch FROM messaging.meta');
  if (!meta) throw new Failure('messaging.meta is empty: the messaging schema is damaged');
  if (meta.service !== null && meta.service !== service)
    throw new Failure(`DATABASE_URL is the database of ${meta.service}, not of ${service}`);
  return meta;
}
