import { root } from '../lib/workspace.mjs';
import { fill, textOf, withRegion } from './text.mjs';

const file = 'docker-compose.yml';

/** The services of docker-compose.yml with their settings, passwords and volumes, and .env.example, which lists the settings. */
export function compose(services, { describeConfig }, checkout = root) {
  const secrets = services.flatMap(secretsOf);
  const passwords = secrets.filter(([name]) => name.endsWith('-database-password')).map(([name]) => name);
  const volumes = services.flatMap(({ compose: { volumes = [] } }) => volumes.map(nameOfVolume));
  let text = textOf(file, checkout);
  const regions = {
    services: services.map((service) => composeService(service, describeConfig)).join('\n'),
    'database-passwords': passwords.map((name) => `      - ${name}\n`).join(''),
    volumes: volumes.map((name) => `  ${name}:\n`).join(''),
    secrets: secrets.map(([name]) => secretSource(name)).join(''),
  };
  for (const [name, body] of Object.entries(regions)) text = withRegion(text, name, body);

  const files = { [file]: text, '.env.example': envExample(services, describeConfig, checkout) };
  for (const [name, value] of secrets) files[`compose/development-only/${name}`] = `${value}\n`;
  return files;
}

function composeService({ name, port, config, compose: { environment = {}, volumes = [] } }, describeConfig) {
  const settings = describeConfig(config).map(({ name: variable }) => [variable, `\${${variable}:-}`]);
  const given = Object.entries({ ...Object.fromEntries(settings), ...environment });
  return fill('compose-service.yaml', {
    name,
    port,
    NAME: variablePrefix(name),
    settings: given.map(([variable, value]) => `      ${variable}: ${value}\n`).join(''),
    volumes:
      volumes.length > 0 ? `    volumes:\n${volumes.map((volume) => `      - ${volume}\n`).join('')}` : '',
  });
}

/** Each secret with what it holds for development. */
function secretsOf({ name }) {
  const database = (role) => `postgres://${role}:development-only@postgres:5432/warren_${name}`;
  return [
    [`${name}-amqp-url`, `amqp://${name}:development-only@rabbitmq:5672/warren`],
    [`${name}-database-password`, 'development-only'],
    [`${name}-database-url`, database(`warren_${name}`)],
    [`${name}-owner-database-password`, 'development-only'],
    [`${name}-owner-database-url`, database(`warren_${name}_owner`)],
  ];
}

function secretSource(name) {
  return `  ${name}:\n    file: \${WARREN_SECRETS:-./compose/development-only}/${name}\n`;
}

function envExample(services, describeConfig, checkout) {
  const settings = services.map(({ name, config, compose: { environment = {} } }) => {
    const rows = describeConfig(config).filter((row) => !(row.name in environment));
    return `# --- ${name}\n${rows.map((row) => `# ${row.description}\n${row.name}=\n`).join('')}`;
  });
  const each = (suffix) => services.map(({ name }) => `${variablePrefix(name)}_${suffix}=\n`).join('');
  let text = textOf('.env.example', checkout);
  text = withRegion(text, 'settings', settings.join('\n'));
  text = withRegion(text, 'ports', each('PORT'));
  return withRegion(text, 'images', each('IMAGE'));
}

function variablePrefix(name) {
  return name.toUpperCase().replaceAll('-', '_');
}

function nameOfVolume(volume) {
  return volume.split(':')[0];
}
