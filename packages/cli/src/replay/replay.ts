import { serviceOf } from '@warren/contracts';
import { type Command, Option } from 'commander';
import { audit, operatorName } from '../audit.js';
import { addCommand, Failure, type Io, type ServiceOptions, serviceOption, UsageError } from '../command.js';
import { type Database, withDatabase } from '../connections.js';
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
  addCommand(program, 'replay', {
    summary: 'send a service’s events again to one other service',
    description:
      'Requests, in the database of a service (DATABASE_URL), that the service sends the events that its outbox still ' +
      'holds, or a snapshot of its state, to the queue of one other service. That service updates its copies. Effects ' +
      'such as mail do not happen again. With --with-effects, the effects of events that never had them happen.',
    examples: [
      'replay --service user --to notification --dry-run',
      'replay --service user --to notification --types user.registered,user.updated --since 2d',
      'replay --service user --to notification --snapshot',
    ],
  })
    .addOption(serviceOption('the service that sends; DATABASE_URL is its database'))
    .addOption(
      new Option('--to <name>', 'the service that receives').argParser(serviceName).makeOptionMandatory(),
    )
    .option('--types <types>', 'only these event types, separated by commas', names)
    .option('--since <time>', 'only events written since, e.g. 2026-01-31T08:00:00Z or 7d', moment)
    .option('--snapshot', 'send the current state and tombstones instead of the outbox')
    .option('--with-effects', 'also run the effects of events that never had them')
    .option('--dry-run', 'only count the events')
    .addOption(
      new Option('--timeout <duration>', 'how long to wait until the replay is done')
        .argParser(duration)
        .default(tenMinutes, '10m'),
    )
    .action((options: ReplayOptions) => replay(io, options));
}

async function replay(io: Io, options: ReplayOptions): Promise<void> {
  requireCompatible(options);
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

function requireCompatible({
  service,
  to,
  types,
  since,
  snapshot,
  withEffects,
  dryRun,
}: ReplayOptions): void {
  if (to === service)
    throw new UsageError('--to must be another service: a service does not consume its own events');
  const foreign = types?.find((type) => serviceOf(type) !== service);
  if (foreign !== undefined)
    throw new UsageError(`${foreign} is not an event type of ${service}: its types begin with its name`);
  if (!snapshot) return;
  const conflicting = since ? '--since' : withEffects ? '--with-effects' : dryRun ? '--dry-run' : undefined;
  if (conflicting)
    throw new UsageError(`${conflicting} selects past events and cannot be combined with --snapshot`);
}

/** In the database of another service the request would be recorded but never served. */
async function requireOwner(database: Database, service: string): Promise<void> {
  const type = await newestType(database);
  if (type === undefined || serviceOf(type) === service) return;
  throw new Failure(`DATABASE_URL is the database of ${serviceOf(type)}, not of ${service}`);
}
