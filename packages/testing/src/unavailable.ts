const withoutRun = 'WARREN_TEST_AMQP4_URL is not set; `npm test` sets it where a container of 4.x can be had';

/** RabbitMQ 4.x beside the main broker; a broker of one's own, that may be stopped and killed; or PgBouncer. */
export type Optional = 'rabbitmq-4' | 'rabbitmq-process' | 'pgbouncer';

/**
 * Why something can't be used here; `undefined` where it can. Put the answer into the name of what is skipped,
 * so that the report shows it:
 * `const reason = unavailable('rabbitmq-4'); (reason ? describe.skip : describe)(named('RabbitMQ 4', reason), …)`
 */
export function unavailable(what: Optional): string | undefined {
  if (what === 'rabbitmq-process') return process.env.WARREN_TEST_RABBITMQ_PROCESS_UNAVAILABLE || undefined;
  if (what === 'pgbouncer') return process.env.WARREN_TEST_PGBOUNCER_UNAVAILABLE || undefined;
  if (process.env.WARREN_TEST_AMQP4_URL) return undefined;
  return process.env.WARREN_TEST_AMQP4_UNAVAILABLE || withoutRun;
}

/** A test's name with the reason why it is skipped, if it is. */
export function named(name: string, reason: string | undefined): string {
  return reason ? `${name} [skipped: ${reason}]` : name;
}
