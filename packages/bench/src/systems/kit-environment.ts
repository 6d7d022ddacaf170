import type { Bench } from '../bench.js';

/** The settings that a service on the kit needs here. All others keep their defaults. */
export async function kitEnvironment(bench: Bench, amqp: string): Promise<Record<string, string>> {
  return {
    HOST: '127.0.0.1',
    PORT: '0',
    INTERNAL_PORT: '0',
    DRAIN_SECONDS: '0',
    AMQP_URL: amqp,
    REVOCATIONS_URL: 'off',
    // Few people send many requests.
    PAYMENTS_PER_MINUTE: '1000000',
    REQUESTS_PER_MINUTE: '1000000',
    DATABASE_URL: await bench.database(),
  };
}
