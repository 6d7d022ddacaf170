import { seconds } from '../support/seconds.js';
import type { ServiceFacts } from '../support/services.js';

/** Checks the Dockerfile of a service. Returns the findings. */
export function dockerfileProblems(
  text: string,
  { name, port }: ServiceFacts,
  packageManager: string,
): string[] {
  const lines = text
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  const last = lines.slice(lines.findLastIndex((line) => line.startsWith('FROM ')));
  const problems: string[] = [];
  const demand = (met: boolean, problem: string) => met || problems.push(problem);

  demand(lines[0]?.startsWith('ARG BASE_IMAGE=') === true, 'the base image is not a build argument');
  demand(
    lines.every((line) => !line.startsWith('FROM ') || /^FROM \$\{BASE_IMAGE\}( AS \w+)?$/.test(line)),
    'a stage has another base',
  );
  demand(!/:latest\b/.test(text), 'an image without a version');
  demand(
    !/https?:\/\/(?!127\.0\.0\.1)|\b[\w-]+\.(com|io|org|net|dev)\b/.test(lines.join('\n')),
    'names a host',
  );
  demand(
    allMatch(text, /pnpm@([\d.]+)/g, (version) => `pnpm@${version}` === packageManager),
    'another pnpm than package.json',
  );
  demand(
    lines.some((line) => line.includes('install --frozen-lockfile')),
    'installs without the lockfile',
  );
  demand(
    lines.some((line) => line.includes(`'@warren/${name}-service' deploy --prod`)),
    'deploys more than the service',
  );
  demand(
    last.some((line) => /^USER [1-9]\d*:[1-9]\d*$/.test(line)),
    'runs as root, or as a user without a number',
  );
  demand(last.includes('STOPSIGNAL SIGTERM'), 'is not stopped by SIGTERM');
  demand(last.includes('CMD ["node", "dist/main.js"]'), 'does not start dist/main.js, as process 1');
  demand(last.includes('ENV NODE_ENV=production'), 'NODE_ENV is not production');
  demand(last.includes(`EXPOSE ${port}`), `does not expose ${port}`);
  const health = last.find((line) => line.startsWith('HEALTHCHECK ')) ?? '';
  demand(
    health.includes(`/\${PORT:-${port}}`) && health.includes('/health/ready'),
    'has no health check of its readiness',
  );
  demand(!health.includes('"node"'), 'starts a Node.js process for each health check');
  demand(seconds(/--interval=(\S+)/.exec(health)?.[1]) >= 30, 'checks its health too often');
  const installs = lines.filter((line) => line.includes('npx --yes pnpm'));
  for (const secret of ['id=npmrc,target=/root/.npmrc', 'id=ca,target=/run/secrets/ca']) {
    demand(
      installs.every((line) => line.includes(`--mount=type=secret,${secret}`)),
      `installs without the build secret ${secret}`,
    );
  }
  demand(
    !lines.some((line) => /^(COPY|ADD) .*(npmrc|\.pem|\.crt)/.test(line)),
    'copies a secret of the build into a layer',
  );
  const deleted = lines.filter((line) => line.startsWith('RUN find /app ')).join(' ');
  for (const name of ["'*.map'", "'*.d.ts'", 'pnpm-lock.yaml', '-type d \\( -name test ']) {
    demand(deleted.includes(`-name ${name}`) || deleted.includes(name), `leaves ${name} in /app`);
  }
  for (const label of ['title', 'description', 'licenses', 'version', 'revision', 'base.name']) {
    demand(
      last.some((line) => line.startsWith('LABEL ') && line.includes(`org.opencontainers.image.${label}=`)),
      `has no label ${label}`,
    );
  }
  return problems;
}

function allMatch(text: string, pattern: RegExp, holds: (found: string) => boolean): boolean {
  const found = [...text.matchAll(pattern)].map((match) => match[1] ?? '');
  return found.length > 0 && found.every(holds);
}
