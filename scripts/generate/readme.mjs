import { root } from '../lib/workspace.mjs';
import { textOf, withRegion } from './text.mjs';

/** The README's tables of services and of environment variables. */
export function readme(services, { describeConfig, kitConfigSchema }, checkout = root) {
  const ports = services.map(({ port }) => port).join(', ');
  const settings = [
    ...describeConfig(kitConfigSchema(0)).map((row) => ({ ...row, service: 'every service' })),
    ...services.flatMap(({ name, config }) =>
      describeConfig(config).map((row) => ({ ...row, service: name })),
    ),
  ].map(({ name, service, default: value, description }) => [
    `\`${name}\``,
    service,
    name === 'PORT' ? ports : defaultText(value),
    description.replaceAll('|', '\\|'),
  ]);
  const addresses = services.map(({ name, port }) => [
    name,
    `http://localhost:${port}`,
    `\`/${name}\``,
    `http://localhost:${port}/docs`,
  ]);
  let text = textOf('README.md', checkout);
  text = withRegion(text, 'services', table(['service', 'HTTP', 'namespace', 'API docs'], addresses));
  return {
    'README.md': withRegion(text, 'settings', table(['variable', 'service', 'default', 'meaning'], settings)),
  };
}

/** `null` where there is no default, empty where the default is nothing. */
function defaultText(value) {
  if (value === null) return 'required';
  return value === '' ? '' : `\`${value}\``;
}

function table(head, rows) {
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  return `\n${lines.join('\n')}\n\n`;
}
