import { brokerVersion } from './broker-check.js';
import { startRabbitMqContainer } from './containers.js';
import { brief, NotAvailable, type StartedServer } from './started-server.js';

/**
 * Provides RabbitMQ 4.x for tests that run on both versions: the main broker if it is 4.x already, the broker that
 * WARREN_TEST_AMQP4_URL names, or a container. If none is available, the variables carry the reason.
 */
export async function rabbitMq4(env: NodeJS.ProcessEnv): Promise<StartedServer> {
  const main = env.WARREN_TEST_AMQP_URL ?? '';
  if (await isVersion4(main)) {
    const management = env.WARREN_TEST_AMQP_MANAGEMENT_URL;
    return nothingToStop('RabbitMQ 4.x: the same broker', {
      WARREN_TEST_AMQP4_URL: main,
      ...(management && { WARREN_TEST_AMQP4_MANAGEMENT_URL: management }),
    });
  }
  const named = env.WARREN_TEST_AMQP4_URL;
  if (named) {
    if (!(await isVersion4(named))) throw new Error('WARREN_TEST_AMQP4_URL names a broker that is not 4.x');
    return nothingToStop('RabbitMQ 4.x, from WARREN_TEST_AMQP4_URL', {});
  }
  return startRabbitMqContainer('AMQP4').catch((error) => {
    if (!(error instanceof NotAvailable)) throw error;
    return nothingToStop(`no RabbitMQ 4.x beside it: ${error.message}; its tests are skipped`, {
      WARREN_TEST_AMQP4_UNAVAILABLE: brief(error),
    });
  });
}

async function isVersion4(url: string): Promise<boolean> {
  return Number.parseInt(await brokerVersion(url), 10) >= 4;
}

function nothingToStop(description: string, env: Record<string, string>): StartedServer {
  return { description, env, stop: async () => undefined };
}
