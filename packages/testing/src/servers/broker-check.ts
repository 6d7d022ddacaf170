import { connect } from 'amqplib';

/** Names the variables that hold a broker's address: the main broker, or a RabbitMQ 4.x beside it. */
export type BrokerRole = 'AMQP' | 'AMQP4';

export function brokerEnv(role: BrokerRole, url: string, management: string): Record<string, string> {
  return { [`WARREN_TEST_${role}_URL`]: url, [`WARREN_TEST_${role}_MANAGEMENT_URL`]: management };
}

/** Throws unless the broker accepts connections and its management API answers. */
export async function checkBroker(url: string, management: string): Promise<void> {
  await brokerVersion(url);
  const { origin, username, password } = new URL(management);
  const response = await fetch(`${origin}/api/whoami`, {
    headers: { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` },
    signal: AbortSignal.timeout(5_000),
  });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`RabbitMQ's management API answers ${response.status}`);
}

/** For example `3.10.8`. Rejects unless the broker accepts a connection. */
export async function brokerVersion(url: string): Promise<string> {
  const connection = await connect(url, { timeout: 10_000 });
  try {
    return String(connection.connection.serverProperties.version);
  } finally {
    await connection.close();
  }
}
