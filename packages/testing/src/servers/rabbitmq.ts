import { startBrokerProcess } from './broker-process.js';
import { freePort } from './private-process.js';
import type { Started } from './started.js';
import type { Workshop } from './workshop.js';

/** Which variables lead to a broker. The one for 4.x stands beside the main one. */
export type BrokerRole = 'AMQP' | 'AMQP4';

export function brokerEnv(role: BrokerRole, url: string, management: string): Record<string, string> {
  return { [`WARREN_TEST_${role}_URL`]: url, [`WARREN_TEST_${role}_MANAGEMENT_URL`]: management };
}

/**
 * A private broker from the installed programs. What it keeps is thrown away.
 */
export async function startRabbitMqProcess(workshop: Workshop): Promise<Started> {
  const ports = {
    amqp: await freePort(),
    dist: await freePort(),
    management: await freePort(),
    names: await freePort(),
  };
  const broker = await startBrokerProcess(workshop, ports);
  const { url, management } = broker;
  return {
    what: `RabbitMQ ${broker.version}, a private process (${broker.file})`,
    env: brokerEnv('AMQP', url, management),
    stop: broker.close,
  };
}
