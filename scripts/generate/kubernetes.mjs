import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { manifest, root } from '../lib/workspace.mjs';
import { fill, textOf, withRegion } from './text.mjs';

/**
 * For each service the folder that its team applies; for the quickstart, all of them with passwords for development and
 * the paths of the ingress. What one service needs beyond the others is a kustomize component in its own folder, k8s/,
 * with these files where there is something to say:
 *
 *   kustomization.yaml       patches and resources
 *   config.env               settings
 *   quickstart.env           settings in the quickstart
 *   quickstart-secrets.env   keys of its Secret in the quickstart
 */
export function kubernetes(services, checkout = root) {
  const files = {};
  for (const service of services) {
    const { name, folder, port, internalPort } = service;
    const component = `${folder}/k8s/kustomization.yaml`;
    const values = {
      name,
      port,
      internalPort,
      version: manifest.version,
      components: existsSync(join(checkout, component)) ? `components:\n  - ../../../${folder}/k8s\n` : '',
      config: linesOf(`${folder}/k8s/config.env`, checkout)
        .map((line) => `      - ${line}\n`)
        .join(''),
    };
    files[`k8s/services/${name}/kustomization.yaml`] = fill('kubernetes-kustomization.yaml', values);
    files[`k8s/services/${name}/workload.yaml`] = fill('kubernetes.yaml', values);
  }
  files['k8s/overlays/quickstart/services/kustomization.yaml'] = quickstart(services, checkout);
  const ingress = 'k8s/overlays/quickstart/ingress.yaml';
  const paths = services.flatMap(({ name, paths }) => [`/${name}`, ...paths].map((path) => ({ name, path })));
  files[ingress] = withRegion(
    textOf(ingress, checkout),
    'paths',
    paths.map((values) => fill('ingress-path.yaml', values)).join(''),
  );
  files['k8s/overlays/quickstart/postgres/development-only.env'] = postgresPasswords(services);
  return files;
}

function quickstart(services, checkout) {
  const literals = (lines) => lines.map((line) => `      - ${line}\n`).join('');
  const configs = services.flatMap(({ name, folder }) => {
    const lines = linesOf(`${folder}/k8s/quickstart.env`, checkout);
    return lines.length > 0
      ? [`  - name: ${name}-config\n    behavior: merge\n    literals:\n${literals(lines)}`]
      : [];
  });
  const secrets = services.map(({ name, folder }) =>
    fill('quickstart-secrets.yaml', {
      name,
      secrets: literals(linesOf(`${folder}/k8s/quickstart-secrets.env`, checkout)),
    }),
  );
  return fill('quickstart.yaml', {
    resources: services.map(({ name }) => `  - ../../../services/${name}\n`).join(''),
    configs: configs.length > 0 ? `configMapGenerator:\n${configs.join('')}` : '',
    secrets: secrets.join(''),
  });
}

function postgresPasswords(services) {
  const roles = services.flatMap(({ name }) => [name, `${name}-owner`]);
  return [
    '# FOR DEVELOPMENT ONLY: everybody knows these passwords. Written by `npm run generate`.',
    'postgres-password=development-only',
    ...roles.map((role) => `${role}-database-password=development-only`),
    '',
  ].join('\n');
}

/** The settings of a file, without comments. */
function linesOf(file, checkout) {
  return (textOf(file, checkout) ?? '').split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}
