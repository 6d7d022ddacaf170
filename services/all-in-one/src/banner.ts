import type { HostedService } from './hosted-service.js';
import { urlOn } from './url-on.js';

/** What a person reads once everything runs. */
export function banner(
  services: readonly HostedService[],
  ports: ReadonlyMap<string, number>,
  host: string,
  facts: readonly string[],
): string {
  const rows = services.map(({ name }) => {
    const url = urlOn(host, ports.get(name), 'localhost');
    return `  ${name.padEnd(14)}${url.padEnd(24)}sockets in /${name.padEnd(14)}documented at ${url}/docs`;
  });
  return [
    '',
    'Warren is running.',
    '',
    ...rows,
    '',
    ...facts.map((fact) => `  ${fact}`),
    '',
    '  Ctrl-C stops it.',
    '',
  ]
    .map((line) => line.trimEnd())
    .join('\n');
}
