import { type KubernetesObject, one, podsOf } from '../support/kubernetes.js';
import { services } from '../support/services.js';
import { appliesTo, permitted } from './network-policy.js';
import { containerProblems, podSecurityProblems } from './pod.js';
import { environmentOf, mostConnections, reservedConnections } from './service.js';

type Objects = readonly KubernetesObject[];

interface IngressSpec {
  ingressClassName?: string;
  rules: Array<{ host?: string; http: { paths: IngressPath[] } }>;
}

interface IngressPath {
  path: string;
  pathType: string;
  backend: { service: { name: string; port: { name: string } } };
}

const fromServices = 'from pods (component=service part-of=warren)';

/** The permitted traffic in the namespace, besides that of the services' own policies. */
const picture: Record<string, { pods: string; permitted: string[] }> = {
  'default-deny': { pods: '()', permitted: [] },
  rabbitmq: { pods: '(name=rabbitmq)', permitted: [`in 5672/TCP ${fromServices}`] },
  mail: { pods: '(name=mail)', permitted: ['in 1025/TCP from pods (name=notification)'] },
  'notification-mail': {
    pods: '(name=notification)',
    permitted: ['in everything', 'out 1025/TCP to pods (name=mail)'],
  },
  postgres: { pods: '(name=postgres)', permitted: [`in 5432/TCP ${fromServices}`] },
};

/** Seconds for which a healthy WebSocket may be silent: ping interval plus time-out. */
const longestSilence = 45;

/** Each rule checks the whole overlay and returns its findings, one string each. */
export const quickstartRules = {
  'puts everything into one restricted namespace': (objects: Objects) => {
    const labels = one(objects, 'Namespace', 'warren').metadata.labels ?? {};
    const level = labels['pod-security.kubernetes.io/enforce'];
    const outside = objects.filter(
      ({ kind, metadata }) => kind !== 'Namespace' && metadata.namespace !== 'warren',
    );
    return [
      ...(level === 'restricted' ? [] : [`the namespace admits ${level}`]),
      ...outside.map(({ kind, metadata }) => `${kind} ${metadata.name} is in ${metadata.namespace}`),
    ];
  },

  'runs pods that are restricted, limited and of a fixed version': (objects: Objects) =>
    objects.flatMap((object) => {
      const spec = podsOf(object);
      if (!spec) return [];
      const problems = [...podSecurityProblems(spec, { readOnlyRoot: false }), ...containerProblems(spec)];
      return problems.map((problem) => `${object.metadata.name}: ${problem}`);
    }),

  'lets only services reach broker and database, and denies all other traffic': (objects: Objects) =>
    Object.entries(picture).flatMap(([name, wanted]) => {
      const policy = one(objects, 'NetworkPolicy', name);
      const given = { pods: appliesTo(policy), permitted: permitted(policy) };
      return JSON.stringify(given) === JSON.stringify(wanted) ? [] : [`${name}: ${JSON.stringify(given)}`];
    }),

  'marks secrets as for development only': (objects: Objects) =>
    objects
      .filter(
        ({ kind, metadata }) =>
          kind === 'Secret' && metadata.annotations?.['warren.dev/development-only'] !== 'true',
      )
      .map(({ metadata }) => metadata.name),

  'starts each service with the published secrets': (objects: Objects) =>
    services.flatMap((facts) => {
      const { 'database-url': DATABASE_URL = '', 'amqp-url': AMQP_URL = '' } = secret(
        objects,
        `${facts.name}-secrets`,
      );
      const given = Object.entries(mainEnvironment(objects, facts.name));
      const plain = Object.fromEntries(given.filter(([name]) => !name.endsWith('_FILE')));
      return facts.problemsOf({ ...plain, DATABASE_URL, AMQP_URL });
    }),

  'gives services the addresses, names and passwords of broker and database': (objects: Objects) => {
    const passwords = secret(objects, 'postgres-passwords');
    const { users } = JSON.parse(secret(objects, 'rabbitmq-definitions')['definitions.json'] ?? '') as {
      users: Array<{ name: string; password: string }>;
    };
    return services.flatMap(({ name }) => {
      const given = secret(objects, `${name}-secrets`);
      const database = passwords[`${name}-database-password`];
      const broker = users.find((user) => user.name === name)?.password;
      const wanted = {
        'amqp-url': `amqp://${name}:${broker}@rabbitmq:${portOf(objects, 'rabbitmq')}/warren`,
        'database-url': `postgres://warren_${name}:${database}@postgres:${portOf(objects, 'postgres')}/warren_${name}`,
      };
      const migration = secret(objects, `${name}-migration-secrets`);
      const owner = passwords[`${name}-owner-database-password`];
      const migrates = `postgres://warren_${name}_owner:${owner}@postgres:${portOf(objects, 'postgres')}/warren_${name}`;
      const astray = migration['migrate-database-url'] === migrates ? [] : [`${name} migrates elsewhere`];
      return Object.entries(wanted)
        .filter(([key, value]) => given[key] !== value)
        .map(([key, value]) => `${name}: ${key} is ${given[key]} instead of ${value}`)
        .concat(astray);
    });
  },

  'routes the ingress to public ports, and lets a socket be silent for as long as it may': (
    objects: Objects,
  ) => {
    const ingress = one(objects, 'Ingress', 'warren');
    const { ingressClassName, rules } = ingress.spec as unknown as IngressSpec;
    const paths = rules.flatMap(({ http }) => http.paths);
    const astray = paths.filter(
      ({ pathType, backend }) => pathType !== 'Prefix' || !leadsToHttp(objects, backend.service),
    );
    const annotations = ingress.metadata.annotations ?? {};
    const patience = ['read', 'send'].map((way) =>
      Number(annotations[`nginx.ingress.kubernetes.io/proxy-${way}-timeout`]),
    );
    return [
      ...(ingressClassName && rules.every(({ host }) => host) ? [] : ['its class or host is left open']),
      ...astray.map(
        ({ path, pathType, backend }) => `${path} leads to ${backend.service.name} as ${pathType}`,
      ),
      ...services.flatMap(({ name }) => {
        const { path } = { path: socketPath(objects, name) };
        const target = longest(paths, path)?.backend.service.name;
        return target === name ? [] : [`${path} leads to ${target} instead of ${name}`];
      }),
      ...(patience.every((seconds) => seconds > longestSilence)
        ? []
        : [`silent sockets are cut after ${patience} s`]),
    ];
  },
};

/** Rules for the overlay with the ingress and for the one without. */
export const everyQuickstart = {
  'keeps all services together within the connections of the database server': (objects: Objects) => {
    const [server] = podsOf(one(objects, 'StatefulSet', 'postgres'))?.containers ?? [];
    const setting = server?.args?.find((argument) => argument.startsWith('max_connections='));
    const free = Number(setting?.split('=')[1] ?? 100) - reservedConnections;
    const needed = services.reduce((sum, { name }) => sum + mostConnections(objects, name), 0);
    return needed <= free ? [] : [`the services may open ${needed} connections of ${free}`];
  },

  'admits a web app on this machine, and links to it in mails': (objects: Objects) => {
    const local = 'http://localhost:4000';
    return services.flatMap(({ name }) => {
      const { CORS_ORIGINS = '', WEB_URL = local } = mainEnvironment(objects, name);
      return CORS_ORIGINS.split(',').includes(local) && WEB_URL === local
        ? []
        : [`${name} knows browsers from ${CORS_ORIGINS}, and links to ${WEB_URL}`];
    });
  },

  'keeps the mails of all pods in one place': (objects: Objects) => {
    const { SMTP_URL = '' } = mainEnvironment(objects, 'notification');
    const { hostname, port } = new URL(SMTP_URL || 'smtp://none');
    const server = objects.find(({ kind, metadata }) => kind === 'StatefulSet' && metadata.name === hostname);
    if (!server) return [`mails go to ${SMTP_URL || 'a folder of each pod'}`];
    const { replicas, volumeClaimTemplates = [] } = server.spec as {
      replicas: number;
      volumeClaimTemplates?: object[];
    };
    const kept = replicas === 1 && volumeClaimTemplates.length > 0;
    return kept && portOf(objects, hostname) === Number(port) ? [] : [`${hostname} keeps no mails`];
  },
};

/** Values of a Secret by key. Generated names end with a hash. */
export function secret(objects: Objects, name: string): Record<string, string> {
  const found = objects.find(
    ({ kind, metadata }) => kind === 'Secret' && metadata.name.startsWith(`${name}-`),
  );
  const entries = Object.entries(found?.data ?? {});
  return Object.fromEntries(
    entries.map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]),
  );
}

function leadsToHttp(objects: Objects, { name, port }: IngressPath['backend']['service']): boolean {
  const { ports } = one(objects, 'Service', name).spec as { ports: Array<{ name: string }> };
  return port.name === 'http' && ports.some((candidate) => candidate.name === 'http');
}

function portOf(objects: Objects, name: string): number | undefined {
  const { ports } = one(objects, 'Service', name).spec as { ports: Array<{ port: number }> };
  return ports[0]?.port;
}

function socketPath(objects: Objects, name: string): string {
  return mainEnvironment(objects, name).SOCKET_PATH ?? '/socket.io';
}

export function mainEnvironment(objects: Objects, name: string): Record<string, string> {
  const [main] = podsOf(one(objects, 'Deployment', name))?.containers ?? [];
  return main ? environmentOf(objects, main) : {};
}

/** The path that an ingress chooses: the longest one that is a prefix of the requested path, by elements. */
function longest(paths: readonly IngressPath[], asked: string): IngressPath | undefined {
  const fitting = paths.filter(({ path }) => asked === path || asked.startsWith(`${path}/`));
  return fitting.sort((a, b) => b.path.length - a.path.length)[0];
}
