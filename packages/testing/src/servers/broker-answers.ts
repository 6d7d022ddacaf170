import { connect } from 'amqplib';

/** Throws unless the broker takes connections and its management API answers. */
export async function answers(url: string, management: string): Promise<void> {
  await brokerVersion(url);
  const { origin, username, password } = new URL(management);
  const response = await fetch(`${origin}/api/whoami`, {
    headers: { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` },
    signal: AbortSignal.timeout(5_000),
  });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`RabbitMQ's management answers ${response.status}`);
}

/** For example `3.10.8`. Rejects unless the broker takes a connection. */
export async function brokerVersion(url: string): Promise<string> {
  const connection = await connect(url, { timeout: 10_000 });
  try {
    return String(connection.connection.serverProperties.version);
  } finally {
    await connection.close();
  }
}
