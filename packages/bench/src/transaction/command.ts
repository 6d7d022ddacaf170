import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { defineContract } from '@warren/contracts';
import { prismaClient } from '@warren/service-kit';
import { readFlags, wholeNumber } from '@warren/testing';
import { createUnitOfWork, migrateMessaging, type Tx, type UnitOfWork } from '@warren/unit-of-work';
import pg from 'pg';
import { pino } from 'pino';
import { Type } from 'typebox';
import { withBench } from '../bench.js';
import { type Prisma, PrismaClient } from '../generated/prisma/client.js';
import { InstantBus } from '../retention/instant-bus.js';
import { median } from '../stats.js';
import { CountingSocket } from './counting-socket.js';

const help = `npm run bench -- transaction [options]

Runs three kinds of transactions through the unit of work and prints, for each, the round trips to PostgreSQL and the
writes to its socket, the processor time of this process, and how many run a second, ten at a time.

  --count N    transactions of each kind in a round (default 500)
  --rounds N   what is printed is the median over them (default 7)
  --help       prints this
`;

const flags = {
  count: { type: 'string', default: '500' },
  rounds: { type: 'string', default: '7' },
  help: { type: 'boolean', default: false },
} as const;

const Data = Type.Object({ text: Type.String() }, { additionalProperties: false });
const contract = defineContract({
  service: 'bench',
  emits: { 'bench.paid': Data },
  commands: {},
  feed: { 'bench.paid': Data },
});

type Work = (tx: Tx<Prisma.TransactionClient, typeof contract>, id: string) => Promise<void>;

const kinds: Record<string, Work> = {
  'two raw statements, an event and two feed entries': async (tx, id) => {
    await insert(tx, id);
    await tx.$queryRaw`SELECT id, amount, created_at FROM payment WHERE id = ${id}::uuid`;
    tell(tx, id);
  },
  'a raw statement, a model operation, an event and two feed entries': async (tx, id) => {
    await insert(tx, id);
    await tx.payment.findUnique({ where: { id } });
    tell(tx, id);
  },
  'an event and two feed entries': async (tx, id) => tell(tx, id),
};

const insert = (tx: Prisma.TransactionClient, id: string) => tx.$executeRaw`
  INSERT INTO payment (id, payer_id, recipient_id, amount, currency, status, version, created_at)
  VALUES (${id}::uuid, ${id}::uuid, ${id}::uuid, ${5n}::bigint, ${'EUR'}, ${'processing'}, 1, now())`;

function tell(tx: Tx<Prisma.TransactionClient, typeof contract>, id: string): void {
  const data = { text: 'x'.repeat(200) };
  tx.publish({ type: 'bench.paid', subject: id, version: 1, data });
  for (const user of [id, `of ${id}`]) tx.feed(user, { type: 'bench.paid', data });
}

/** `npm run bench -- transaction`. */
export async function transaction(argv: readonly string[]): Promise<void> {
  const values = readFlags(argv, flags);
  if (values.help) return void process.stdout.write(help);
  const count = wholeNumber('count', values.count, 10_000);
  const rounds = wholeNumber('rounds', values.rounds, 100);
  await withBench(undefined, async (bench) => {
    const sockets: CountingSocket[] = [];
    const stream = () => {
      const socket = new CountingSocket();
      sockets.push(socket);
      return socket;
    };
    const pool = new pg.Pool({ connectionString: await bench.database(), max: 10, pipeline: true, stream });
    bench.cleanup.defer('pool', () => pool.end());
    await migrateMessaging(pool);
    const migration = new URL('../../prisma/migrations/20260101000000_init/migration.sql', import.meta.url);
    await pool.query(await readFile(migration, 'utf8'));
    const client = prismaClient(pool, (options) => new PrismaClient(options));
    bench.cleanup.defer('client', () => client.$disconnect());
    const bus = new InstantBus(() => undefined);
    const log = pino({ level: 'silent' });
    const { uow } = createUnitOfWork({ contract, client, pool, bus, log });

    for (const work of Object.values(kinds)) await together(uow, work, count);
    for (const [kind, work] of Object.entries(kinds)) {
      const before = CountingSocket.sum(sockets);
      for (let each = 0; each < 20; each++) await run(uow, work);
      const after = CountingSocket.sum(sockets);
      const figures: Awaited<ReturnType<typeof together>>[] = [];
      for (let round = 0; round < rounds; round++) figures.push(await together(uow, work, count));
      const cpu = median(figures.map((each) => each.cpuMs));
      const rate = median(figures.map((each) => each.perSecond));
      process.stdout.write(
        `${kind}: ${(after.roundTrips - before.roundTrips) / 20} round trips, ` +
          `${(after.writes - before.writes) / 20} writes, ${cpu.toFixed(2)} ms of CPU, ${rate.toFixed(0)}/s\n`,
      );
    }
  });
}

type Uow = UnitOfWork<Prisma.TransactionClient, typeof contract>;

const run = (uow: Uow, work: Work) => uow.run((tx) => work(tx, randomUUID()));

async function together(uow: Uow, work: Work, count: number): Promise<{ cpuMs: number; perSecond: number }> {
  const [start, cpu] = [performance.now(), process.cpuUsage()];
  let left = count;
  const worker = async () => {
    while (left-- > 0) await run(uow, work);
  };
  await Promise.all(Array.from({ length: 10 }, worker));
  const { user, system } = process.cpuUsage(cpu);
  return { cpuMs: (user + system) / 1_000 / count, perSecond: (count * 1_000) / (performance.now() - start) };
}
