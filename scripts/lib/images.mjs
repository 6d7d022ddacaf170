// Builds images for a cluster under a unique tag, and writes an overlay that names them.
import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { run } from './run.mjs';
import { serviceNames } from './services.mjs';
import { Failure, manifest, root, say } from './workspace.mjs';

/** Accepts the options that `node scripts/warren.mjs --help` lists. Returns the exit code. */
export async function buildImages(args) {
  const { values } = parseArgs({
    args,
    options: {
      registry: { type: 'string', default: '' },
      push: { type: 'boolean', default: false },
      kind: { type: 'string' },
      minikube: { type: 'string' },
      base: { type: 'string', default: 'quickstart' },
      overlay: { type: 'string', default: 'local' },
    },
  });
  if (values.push && !values.registry) throw new Failure('--push needs --registry <host/folder>');
  const services = serviceNames();
  const tag = newTag();
  const names = new Map(services.map((name) => [name, imageName(values.registry, name)]));
  const images = [...names.values()].map((name) => `${name}:${tag}`);
  const env = {
    ...process.env,
    ...Object.fromEntries(
      services.map((name) => [
        `${name.toUpperCase().replaceAll('-', '_')}_IMAGE`,
        `${names.get(name)}:${tag}`,
      ]),
    ),
    WARREN_VERSION: tag,
    WARREN_REVISION: revision(),
  };
  const steps = [['docker', 'compose', 'build', ...services]];
  if (values.push) for (const image of images) steps.push(['docker', 'push', image]);
  if (values.kind) steps.push(['kind', 'load', 'docker-image', '--name', values.kind, ...images]);
  if (values.minikube) {
    for (const image of images)
      steps.push(['minikube', '--profile', values.minikube, 'image', 'load', image]);
  }
  for (const [program, ...rest] of steps) {
    const code = await run(program, rest, { cwd: root, env });
    if (code !== 0) return code;
  }
  const overlay = `k8s/overlays/${values.overlay}`;
  await writeOverlay(join(root, overlay), values.base, names, tag);
  say(`${overlay} names ${images.join(', ')}`);
  say(`kubectl apply -k ${overlay}`);
  return 0;
}

/** Contains version, commit and time in milliseconds, so that nodes never keep an older image of the same tag. */
function newTag() {
  const time = new Date().toISOString().replaceAll(/[-:.]/g, '');
  return `${manifest.version}-${revision().slice(0, 12)}-${time}`.toLowerCase();
}

function revision() {
  try {
    return execFileSync('git', ['rev-parse', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}

function imageName(registry, service) {
  return registry ? `${registry.replace(/\/$/, '')}/warren-${service}` : `warren-${service}`;
}

async function writeOverlay(folder, base, names, tag) {
  await mkdir(folder, { recursive: true });
  const images = [...names].map(
    ([service, name]) => `  - name: warren-${service}\n    newName: ${name}\n    newTag: ${tag}\n`,
  );
  const text = `# Written by \`npm run images\`: ../${base} with the built images.
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
  - ../${base}
images:
${images.join('')}`;
  await writeFile(join(folder, 'kustomization.yaml'), text);
}
