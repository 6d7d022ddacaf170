import { serviceOf } from '@warren/contracts';
import { type Command, Option } from 'commander';
import { audit, operatorName } from '../audit.js';
import { leaf, type ServiceOptions, serviceOption } from '../command.js';
import { type Database, withDatabase } from '../connections.js';
import { Failure, UsageError } from '../errors.js';
import type { Io } from '../io.js';
import { duration, moment, names, serviceName } from '../parse.js';
import { follow } from './follow.js';
import { countMatching, insertReplay, newestType, type ReplayRequest } from './sql.js';

interface ReplayOptions extends ServiceOptions {
  to: string;
  types?: readonly string[];
  since?: Date;
  snapshot?: true;
  withEffects?: true;
  dryRun?: true;
  timeout: number;
}

const tenMinutes = 600_000;

export function addReplay(program: Command, io: Io): void {
  leaf(program, 'replay', {
    summary: 'send a service’s events once more to one other service',
    description:
      'Asks a service, in its own DATABASE_URL, to send what its outbox still holds, or a snapshot of its state, ' +
      'to the queue of one other service. Copies are brought up to date; effects, such as mail, don’t happen again ' +
      'unless with --with-effects, and then only those of events that never had them.',
    examples: [
      'replay --service user --to notification --dry-run',
      'replay --service user --to notification --types user.registered,user.updated --since 2d',
      'replay --service user --to notification --snapshot',
    ],
  })
    .addOption(serviceOption('who sends; DATABASE_URL is its database'))
    .addOption(
      new Option('--to <name>', 'the service that gets it').argParser(serviceName).makeOptionMandatory(),
    )
    .option('--types <types>', 'only these event types, separated by commas', names)
    .option('--since <time>', 'only what was written since, e.g. 2026-01-31T08:00:00Z or 7d', moment)
    .option('--snapshot', 'current state and tombstones in place of the outbox')
    .option('--with-effects', 'as published, so that effects which never happened do')
    .option('--dry-run', 'only count the events')
    .addOption(
      new Option('--timeout <duration>', 'how long to wait for the end')
        .argParser(duration)
        .default(tenMinutes, '10m'),
    )
    .action((options: ReplayOptions) => replay(io, options));
}

async function replay(io: Io, options: ReplayOptions): Promise<void> {
  requireSense(options);
  await withDatabase(io, async (database) => {
    await requireOwner(database, options.service);
    await (options.dryRun ? count(io, database, options) : request(io, database, options));
  });
}

async function count(io: Io, database: Database, { types, since, json, to }: ReplayOptions): Promise<void> {
  const events = await countMatching(database, { types: types ?? null, since: since ?? null });
  io.out(json ? JSON.stringify({ dryRun: true, events }) : `${events} events would be sent to ${to}`);
}

async function request(io: Io, database: Database, options: ReplayOptions): Promise<void> {
  const { service, to, types, json } = options;
  const requestedBy = `operator ${operatorName()}`;
  const id = await insertReplay(database, requestOf(options, requestedBy));
  audit(io, { command: 'replay', service, id, type: types?.join(',') ?? '*', outcome: 'requested' });
  const { state, sent } = await follow(io, database, { id, service, timeoutMs: options.timeout });
  io.out(json ? JSON.stringify({ id, state, sent }) : `${sent} events were sent to ${to}`);
}

function requestOf(
  { to, types, since, snapshot, withEffects }: ReplayOptions,
  requestedBy: string,
): ReplayRequest {
  return {
    consumer: to,
    source: snapshot ? 'snapshot' : 'outbox',
    types: types ?? null,
    since: since ?? null,
    withEffects: withEffects ?? false,
    requestedBy,
  };
}

function requireSense({ service, to, types, since, snapshot, withEffects, dryRun }: ReplayOptions): void {
  if (to === service)
    throw new UsageError('a service keeps no copy of its own events: --to must be another one');
  const foreign = types?.find((type) => serviceOf(type) !== service);
  if (foreign !== undefined)
    throw new UsageError(`${foreign} is not of ${service}: types begin with the sender’s name`);
  if (!snapshot) return;
  const misfit = since ? '--since' : withEffects ? '--with-effects' : dryRun ? '--dry-run' : undefined;
  if (misfit)
    throw new UsageError(`${misfit} is about events of the past; --snapshot sends the present state`);
}

/** Another service's database would take the request and never answer it. */
async function requireOwner(database: Database, service: string): Promise<void> {
  const type = await newestType(database);
  if (type === undefined || serviceOf(type) === service) return;
  throw new Failure(`DATABASE_URL is the database of ${serviceOf(type)}, not of ${service}`);
}
