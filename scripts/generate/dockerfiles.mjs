import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../lib/workspace.mjs';
import { fill } from './text.mjs';

/** A Dockerfile for each service, which differ only in name, port and the contracts that the service reads. */
export function dockerfiles(services, checkout = root) {
  return Object.fromEntries(
    services.map(({ name, folder, port }) => {
      const copied = contractsOf(name, folder, checkout).map((path) => `COPY ${path} ${path}\n`);
      return [`${folder}/Dockerfile`, fill('Dockerfile', { name, port, contracts: copied.join('') })];
    }),
  );
}

/** Folders of the contracts that a service needs besides its own, those of the contracts that it names included. */
function contractsOf(name, folder, checkout) {
  const found = new Set();
  const visit = (place) => {
    const { dependencies = {} } = JSON.parse(readFileSync(join(checkout, place, 'package.json'), 'utf8'));
    for (const dependency of Object.keys(dependencies)) {
      const [, service] = /^@warren\/(.+)-contract$/.exec(dependency) ?? [];
      const contract = `services/${service}/contract`;
      if (service === undefined || found.has(contract)) continue;
      found.add(contract);
      visit(contract);
    }
  };
  visit(folder);
  found.delete(`services/${name}/contract`);
  return [...found].sort();
}
