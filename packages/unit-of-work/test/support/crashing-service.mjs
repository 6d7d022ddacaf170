// The note service in a process of its own, as compiled. Handling the subject `crasher` kills it on the spot.
import { defineContract } from '@warren/contracts';
import { createRabbitMqEventBus } from '@warren/event-bus';
import { createUnitOfWork, pgClient, react } from '@warren/unit-of-work';
import pg from 'pg';
import { pino } from 'pino';

const { DATABASE_URL, AMQP_URL } = process.env;
const log = pino({ level: process.env.WARREN_TEST_LOG ?? 'silent' });
const pool = new pg.Pool({ connectionString: DATABASE_URL, pipeline: true });

const note = { type: 'object', properties: { text: { type: 'string' } } };
const contract = defineContract({
  service: 'note',
  emits: { 'note.written': note },
  commands: {},
  feed: {},
});

const bus = createRabbitMqEventBus({ service: 'note', log, url: AMQP_URL });
const messaging = createUnitOfWork({ contract, client: pgClient(pool), pool, bus, log });

await messaging.start({
  handlers: [
    react(contract, 'note.written', {
      async handle(tx, { subject }) {
        if (subject === 'crasher') process.kill(process.pid, 'SIGKILL');
        await tx.$queryRawUnsafe(
          'INSERT INTO note (id, text) VALUES ($1, $1) ON CONFLICT (id) DO UPDATE SET times = note.times + 1',
          subject,
        );
      },
    }),
  ],
});
process.on('disconnect', () => process.exit(1));
