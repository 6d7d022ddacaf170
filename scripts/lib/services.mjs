// Which services there are. A folder of services/ is a service if its package.json has a `warren` field:
//
//   paths    what an ingress routes to it, besides /<name>
//   compose  what docker-compose.yml says of this service alone: environment, volumes
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './workspace.mjs';

/** `{ name, folder, paths, compose }` of each service, by name. Needs nothing but the folders. */
export function findServices(checkout = root) {
  return readdirSync(join(checkout, 'services'))
    .sort()
    .flatMap((name) => {
      const manifest = join(checkout, 'services', name, 'package.json');
      if (!existsSync(manifest)) return [];
      const { warren } = JSON.parse(readFileSync(manifest, 'utf8'));
      return warren ? [{ name, folder: `services/${name}`, paths: [], compose: {}, ...warren }] : [];
    });
}

export function serviceNames() {
  return findServices().map(({ name }) => name);
}

/** The same with what the code of a built service defines: `{ port, contract, consumes, config }`, by port. */
export async function describeServices(checkout = root) {
  const described = await Promise.all(
    findServices(checkout).map(async (service) => {
      const main = join(checkout, service.folder, 'dist/main.js');
      const definition = Object.values(await import(pathToFileURL(main))).find(isDefinition);
      if (!definition) throw new Error(`${service.folder}/src/main.ts exports no service definition`);
      const { port, contract, config, events = [] } = definition;
      const consumes = [...new Set(events.map(({ type }) => type))];
      return { ...service, port, internalPort: port + 1_000, contract, config, consumes };
    }),
  );
  return described.sort((a, b) => a.port - b.port);
}

function isDefinition(value) {
  return typeof value === 'object' && value !== null && 'contract' in value && 'port' in value;
}
