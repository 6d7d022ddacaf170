import type { Command } from 'commander';
import { audit } from './audit.js';
import { addCommand, Failure, type Io, type ServiceOptions, serviceOption } from './command.js';
import { type Database, type Statement, withDatabase } from './connections.js';

interface NewEpochOptions extends ServiceOptions {
  dryRun?: true;
}

interface Meta {
  /** Null until the service has started once with a build that records its name. */
  service: string | null;
  epoch: number;
}

const beginEpoch: Statement = (schema) => `SELECT ${schema}.begin_epoch() AS epoch`;

const readMeta: Statement = (schema) => `SELECT service, entity_epoch AS epoch FROM ${schema}.meta`;

export function addNewEpoch(program: Command, io: Io): void {
  addCommand(program, 'new-epoch', {
    summary: 'begin a new epoch after a database was restored to an older state',
    description:
      'Begins a new epoch in the database of a service (DATABASE_URL). Clients then refetch instead of resuming from ' +
      'cursors that are no longer valid; the entity versions of the new epoch outrank the ones from before the ' +
      'restore; and all copies, the service’s own and those in other services, are sent again. The service itself ' +
      'detects a restore that changes PostgreSQL’s system identifier or timeline. It cannot detect a dump restored ' +
      'into the same server, or data files copied back: run this command then.',
    examples: ['new-epoch --service payment --dry-run', 'new-epoch --service payment'],
  })
    .addOption(serviceOption('the service whose database was restored; DATABASE_URL is its database'))
    .option('--dry-run', 'only show the current epoch')
    .action((options: NewEpochOptions) => newEpoch(io, options));
}

async function newEpoch(io: Io, { service, dryRun, json }: NewEpochOptions): Promise<void> {
  await withDatabase(io, async (database) => {
    const { epoch } = await metaOf(database, service);
    if (dryRun) {
      io.out(json ? JSON.stringify({ dryRun: true, epoch }) : `${service} is in epoch ${epoch}`);
      return;
    }
    const [begun] = await database.rows<{ epoch: number }>(beginEpoch);
    const now = begun?.epoch ?? epoch;
    audit(io, { command: 'new-epoch', service, id: String(now), type: '*', outcome: 'begun' });
    io.out(json ? JSON.stringify({ epoch: now }) : `${service} is now in epoch ${now}`);
  });
}

async function metaOf(database: Database, service: string): Promise<Meta> {
  const [meta] = await database.rows<Meta>(readMeta);
  if (!meta) throw new Failure('the table meta is empty: the schema of the kit is damaged');
  if (meta.service !== null && meta.service !== service)
    throw new Failure(`DATABASE_URL is the database of ${meta.service}, not of ${service}`);
  return meta;
}
