export type Optional = 'rabbitmq-4' | 'docker';

const variables: Record<Optional, { address: string; reason: string; otherwise: string }> = {
  'rabbitmq-4': {
    address: 'WARREN_TEST_AMQP4_URL',
    reason: 'WARREN_TEST_AMQP4_UNAVAILABLE',
    otherwise: 'WARREN_TEST_AMQP4_URL is not set (`npm test` sets it where a container can be had)',
  },
  docker: {
    address: 'WARREN_TEST_CONTAINER_IMAGE',
    reason: 'WARREN_TEST_CONTAINER_UNAVAILABLE',
    otherwise: 'WARREN_TEST_CONTAINER_IMAGE is not set (`npm test` sets it where Docker answers)',
  },
};

/**
 * Why something that not every machine has can't be used here; `undefined` where it can. Put the answer into
 * the name of what is skipped, so that the report shows it:
 * `const reason = unavailable('rabbitmq-4'); (reason ? describe.skip : describe)(named('RabbitMQ 4', reason), …)`
 */
export function unavailable(what: Optional): string | undefined {
  const { address, reason, otherwise } = variables[what];
  if (process.env[address]) return undefined;
  return process.env[reason] ?? otherwise;
}

/** A test's name with the reason why it is skipped, if it is. */
export function named(name: string, reason: string | undefined): string {
  return reason ? `${name} [skipped: ${reason}]` : name;
}
