const notSet = 'WARREN_TEST_AMQP4_URL is not set; `npm test` sets it if a container of 4.x is available';

/** `rabbitmq-process` is a private broker that a test can stop and kill. */
export type OptionalServer = 'rabbitmq-4' | 'rabbitmq-process' | 'pgbouncer';

/**
 * Returns why a server is not available here, or `undefined` if it is. Add the reason to the title of the skipped
 * test, so that the report shows it:
 * `const reason = unavailable('rabbitmq-4'); (reason ? describe.skip : describe)(named('RabbitMQ 4', reason), …)`
 */
export function unavailable(server: OptionalServer): string | undefined {
  if (server === 'rabbitmq-process') return process.env.WARREN_TEST_RABBITMQ_PROCESS_UNAVAILABLE || undefined;
  if (server === 'pgbouncer') return process.env.WARREN_TEST_PGBOUNCER_UNAVAILABLE || undefined;
  if (process.env.WARREN_TEST_AMQP4_URL) return undefined;
  return process.env.WARREN_TEST_AMQP4_UNAVAILABLE || notSet;
}

/** A test's title with the reason why it is skipped, if there is one. */
export function named(name: string, reason: string | undefined): string {
  return reason ? `${name} [skipped: ${reason}]` : name;
}
