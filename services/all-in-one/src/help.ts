import { describeConfig } from '@warren/service-kit';
import { schema } from './config.js';
import type { HostedService } from './hosted-service.js';

export function help(services: readonly HostedService[]): string {
  const rows = describeConfig(schema(services)).map(
    ({ name, default: fallback, description }) =>
      `  ${name.padEnd(20)}${description}${fallback === null ? '' : ` Default: ${fallback}`}`,
  );
  return [
    'npm start: the user, payment and notification services on this machine.',
    '',
    'Without further ado they run in one process, on an embedded PostgreSQL and a bus in memory. With AMQP_URL and',
    'DATABASE_URL each runs in a process of its own, on those servers.',
    '',
    'Environment:',
    ...rows,
    '',
    "Every variable of the services themselves works too, for example LOG_LEVEL=info; see README.md's table.",
    '',
  ].join('\n');
}
