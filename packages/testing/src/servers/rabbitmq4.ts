import { brokerVersion } from './broker-answers.js';
import { startRabbitMqContainer } from './containers.js';
import { brief, NotHere, type Started } from './started.js';

/**
 * RabbitMQ 4.x beside the main broker, for what must hold on both: the main one where that is 4.x already, the one
 * that WARREN_TEST_AMQP4_URL names, or a container. Where it can't be had, the variables carry the reason.
 */
export async function rabbitMq4(env: NodeJS.ProcessEnv): Promise<Started> {
  const main = env.WARREN_TEST_AMQP_URL ?? '';
  if (await isFour(main)) {
    const management = env.WARREN_TEST_AMQP_MANAGEMENT_URL;
    return nothingToStop('RabbitMQ 4.x: the same broker', {
      WARREN_TEST_AMQP4_URL: main,
      ...(management && { WARREN_TEST_AMQP4_MANAGEMENT_URL: management }),
    });
  }
  const named = env.WARREN_TEST_AMQP4_URL;
  if (named) {
    if (!(await isFour(named))) throw new Error('WARREN_TEST_AMQP4_URL names a broker that is not 4.x');
    return nothingToStop('RabbitMQ 4.x, from WARREN_TEST_AMQP4_URL', {});
  }
  return startRabbitMqContainer('AMQP4').catch((error) => {
    if (!(error instanceof NotHere)) throw error;
    return nothingToStop(`no RabbitMQ 4.x beside it: ${error.message}; its tests are skipped`, {
      WARREN_TEST_AMQP4_UNAVAILABLE: brief(error),
    });
  });
}

async function isFour(url: string): Promise<boolean> {
  return Number.parseInt(await brokerVersion(url), 10) >= 4;
}

function nothingToStop(what: string, env: Record<string, string>): Started {
  return { what, env, stop: async () => undefined };
}
