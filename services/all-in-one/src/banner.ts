import type { HostedService } from './hosted-service.js';

/** What a person reads once everything runs. */
export function banner(
  services: readonly HostedService[],
  ports: ReadonlyMap<string, number>,
  facts: readonly string[],
): string {
  const rows = services.map(({ name }) => {
    const url = `http://localhost:${ports.get(name)}`;
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
