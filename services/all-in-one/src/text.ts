import { describeConfig } from '@warren/service-kit';
import { schema } from './config.js';
import { urlOn } from './environment.js';
import type { HostedService } from './services.js';

/** What `npm start -- --help` prints. */
export function help(services: readonly HostedService[]): string {
  const rows = describeConfig(schema(services)).map(
    ({ name, default: fallback, description }) =>
      `  ${name.padEnd(20)}${description}${fallback === null ? '' : ` Default: ${fallback}`}`,
  );
  return [
    `npm start runs all services on this machine: ${services.map(({ name }) => name).join(', ')}.`,
    '',
    'By default they run in one process, with an embedded PostgreSQL and a bus in memory. With AMQP_URL and DATABASE_URL,',
    'each service runs in a process of its own, on these servers.',
    '',
    'Environment:',
    ...rows,
    '',
    "The services' own variables work too, for example LOG_LEVEL=info; see the table in README.md.",
    '',
  ].join('\n');
}

/** What `npm start` prints once everything runs. */
export function banner(
  services: readonly HostedService[],
  ports: ReadonlyMap<string, number>,
  host: string,
  facts: readonly string[],
): string {
  const rows = services.map(({ name }) => {
    const url = urlOn(host, ports.get(name), 'localhost');
    return `  ${name.padEnd(14)}${url.padEnd(24)}sockets in /${name.padEnd(14)}API docs at ${url}/docs`;
  });
  const lines = facts.map((fact) => `  ${fact}`);
  return ['', 'Warren is running.', '', ...rows, '', ...lines, '', '  Ctrl-C stops it.', '']
    .map((line) => line.trimEnd())
    .join('\n');
}
