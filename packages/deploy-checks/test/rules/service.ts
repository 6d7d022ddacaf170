import {
  type Container,
  container,
  type KubernetesObject,
  one,
  type PodSpec,
  pod,
} from '../support/kubernetes.js';
import { closingSeconds } from '../support/seconds.js';
import { reads, type ServiceFacts } from '../support/services.js';
import { appliesTo, permitted } from './network-policy.js';
import { containerProblems, podSecurityProblems } from './pod.js';

type Objects = readonly KubernetesObject[];

const dnsPods = { key: 'k8s-app', operator: 'In', values: ['kube-dns', 'node-local-dns'] };
/** The cluster's DNS, and two at link-local addresses: NodeLocal DNSCache and the resolver of clouds. */
const dnsServers = [
  `pods (${JSON.stringify(dnsPods)}) in namespaces (metadata.name=kube-system)`,
  ...['169.254.20.10/32', '169.254.169.254/32'].map((cidr) => `addresses ${JSON.stringify({ cidr })}`),
];
const dns = ['53/TCP', '53/UDP'].flatMap((port) => dnsServers.map((server) => `out ${port} to ${server}`));
const stores = ['5432/TCP', '5672/TCP'].map((port) => `out ${port} to anywhere`);
const keys = 'out 4001/TCP to pods (name=user)';
const revocations = 'out 5001/TCP to pods (name=user)';

const privateNetworks = {
  '0.0.0.0/0': ['10.0.0.0/8', '100.64.0.0/10', '169.254.0.0/16', '172.16.0.0/12', '192.168.0.0/16'],
  '::/0': ['fc00::/7', 'fe80::/10'],
};
const publicHttps = Object.entries(privateNetworks).map(
  ([cidr, except]) => `out 443/TCP to addresses ${JSON.stringify({ cidr, except })}`,
);
const mail = ['25/TCP', '465/TCP', '587/TCP'].map((port) => `out ${port} to anywhere`);

/** Traffic of single services, besides that of all. */
const outside: Readonly<Record<string, readonly string[]>> = { notification: [...mail, ...publicHttps] };

/** Each rule checks the manifests of one service and returns its findings, one string each. */
export const serviceRules = {
  'starts the service with a valid environment': (objects: Objects, facts: ServiceFacts) => {
    const environment = environmentOf(objects, mainContainer(objects, facts));
    const unknown = Object.keys(environment).filter((name) => !reads(facts, name));
    const given = Object.fromEntries(Object.entries(environment).filter(([name]) => !name.endsWith('_FILE')));
    const secrets = { DATABASE_URL: 'postgres://given', AMQP_URL: 'amqp://given' };
    const missing = Object.keys(secrets).filter((name) => !(`${name}_FILE` in environment));
    return [
      ...unknown.map((name) => `${facts.name} does not read ${name}`),
      ...missing.map((name) => `${name} does not come from a file`),
      ...facts.problemsOf({ ...given, ...secrets }),
    ];
  },

  'migrates only in an init container': (objects: Objects, facts: ServiceFacts) => {
    const main = mainContainer(objects, facts);
    const first = podOf(objects, facts).initContainers?.[0];
    if (!first) return ['nothing migrates the database'];
    const environment = environmentOf(objects, first);
    return [
      ...different(first.args, ['node', 'dist/main.js', '--migrate-only']),
      ...different(first.image, main.image),
      ...different(environmentOf(objects, main).MIGRATE, 'off'),
      ...different(environment.DATABASE_URL_FILE, environmentOf(objects, main).DATABASE_URL_FILE),
      ...ownerProblems(objects, facts, first, main),
      ...Object.keys(environment)
        .filter((name) => !reads(facts, name))
        .map((name) => `${facts.name} does not read ${name}`),
    ];
  },

  'mounts the secrets where the environment names them': (objects: Objects, facts: ServiceFacts) => {
    const { volumes = [] } = podOf(objects, facts);
    const main = mainContainer(objects, facts);
    const volume = volumes.find(({ secret }) => secret?.secretName.startsWith(`${facts.name}-secrets`));
    const folder = main.volumeMounts?.find(({ name }) => name === volume?.name)?.mountPath;
    return Object.entries(environmentOf(objects, main))
      .filter(([name, value]) => name.endsWith('_FILE') && value !== `${folder}/${fileName(name)}`)
      .map(([name, value]) => `${name} is ${value}, and the secrets are in ${folder}`);
  },

  'declares the ports of the service and exposes only the public one': (
    objects: Objects,
    facts: ServiceFacts,
  ) => {
    const ports = mainContainer(objects, facts).ports?.map(
      ({ name, containerPort }) => `${name} ${containerPort}`,
    );
    const { ports: exposed } = one(objects, 'Service', facts.name).spec as {
      ports: Array<{ port: number; targetPort: string }>;
    };
    const shown = exposed.map(({ port, targetPort }) => `${port} to ${targetPort}`);
    return [
      ...different(ports, [`http ${facts.port}`, `internal ${facts.internalPort}`]),
      ...different(shown, [`${facts.port} to http`]),
    ];
  },

  'probes the paths that the service has': (objects: Objects, facts: ServiceFacts) => {
    const { startupProbe, readinessProbe, livenessProbe } = mainContainer(objects, facts);
    const probed = [startupProbe, readinessProbe, livenessProbe].map(
      (probe) => `${probe?.httpGet?.path} on ${probe?.httpGet?.port}`,
    );
    return different(probed, [
      '/health/live on internal',
      '/health/ready on internal',
      '/health/live on internal',
    ]);
  },

  'gives the service time to drain': (objects: Objects, facts: ServiceFacts) => {
    const { terminationGracePeriodSeconds: given = 30 } = podOf(objects, facts);
    const main = mainContainer(objects, facts);
    const wait = main.lifecycle?.preStop?.sleep?.seconds ?? 0;
    const needed = wait + Number(environmentOf(objects, main).DRAIN_SECONDS) + closingSeconds;
    if (wait < 3) return ['endpoints have no time to notice that it goes'];
    return given > needed ? [] : [`it is killed after ${given} s but may need ${needed} s`];
  },

  'restricts the pod': (objects: Objects, facts: ServiceFacts) => [
    ...podSecurityProblems(podOf(objects, facts), { readOnlyRoot: true }),
    ...(one(objects, 'ServiceAccount', facts.name).automountServiceAccountToken === false
      ? []
      : ['its account mounts a token']),
    // They have names such as USER_SERVICE_PORT, which resemble settings of the services.
    ...(podOf(objects, facts).enableServiceLinks === false ? [] : ['Kubernetes adds variables of its own']),
  ],

  'sets requests, limits and a fixed image': (objects: Objects, facts: ServiceFacts) =>
    containerProblems(podOf(objects, facts)),

  'runs at least two pods on different nodes, and keeps one during disruptions and rollouts': (
    objects: Objects,
    facts: ServiceFacts,
  ) => {
    const scaler = one(objects, 'HorizontalPodAutoscaler', facts.name).spec as {
      minReplicas?: number;
      scaleTargetRef?: { kind: string; name: string };
    };
    const deployment = one(objects, 'Deployment', facts.name).spec as {
      replicas?: number;
      strategy?: { rollingUpdate?: { maxUnavailable?: number } };
    };
    const budget = one(objects, 'PodDisruptionBudget', facts.name).spec as { maxUnavailable?: number };
    const spread = podOf(objects, facts).topologySpreadConstraints?.map(({ topologyKey }) => topologyKey);
    return [
      ...different(scaler.minReplicas ?? 1, 2),
      ...different(
        `${scaler.scaleTargetRef?.kind} ${scaler.scaleTargetRef?.name}`,
        `Deployment ${facts.name}`,
      ),
      ...(deployment.replicas === undefined ? [] : ['each apply would undo what the autoscaler did']),
      ...different(deployment.strategy?.rollingUpdate?.maxUnavailable, 0),
      ...different(budget.maxUnavailable, 1),
      ...different(spread?.[0], 'kubernetes.io/hostname'),
    ];
  },

  'scales by CPU within the connections of its own PostgreSQL': (objects: Objects, facts: ServiceFacts) => {
    const { maxReplicas, metrics = [] } = scalerOf(objects, facts.name);
    const target = metrics[0]?.resource?.target;
    const share = millicores(target?.averageValue) / millicores(cpuLimit(mainContainer(objects, facts)));
    const needed = mostConnections(objects, facts.name);
    const free = defaultConnections - reservedConnections;
    return [
      ...(share >= 0.5 && share < 1 ? [] : [`it grows at ${share} of the CPU that a pod may use`]),
      ...(needed <= free
        ? []
        : [`${maxReplicas} pods and one more may open ${needed} connections of ${free}`]),
    ];
  },

  'permits only the intended network traffic': (objects: Objects, facts: ServiceFacts) => {
    const policy = one(objects, 'NetworkPolicy', facts.name);
    const callers = facts.name === 'user' ? [facts.port, facts.internalPort] : [];
    // A service that trusts its proxy believes the client address that the sender names. So only the ingress controller
    // may send requests to it.
    const trusts = environmentOf(objects, mainContainer(objects, facts)).TRUST_PROXY === 'on';
    const picture = [
      ...(trusts ? [`in ${facts.port}/TCP from all pods in namespaces (metadata.name=ingress-nginx)`] : []),
      ...dns,
      ...stores,
      keys,
      revocations,
      ...callers.map((port) => `in ${port}/TCP from pods (component=service)`),
      ...(outside[facts.name] ?? []),
    ];
    return [
      ...different(permitted(policy), picture.sort()),
      ...different(appliesTo(policy), `(name=${facts.name})`),
    ];
  },

  'selects the pods by name everywhere': (objects: Objects, facts: ServiceFacts) => {
    const label = { 'app.kubernetes.io/name': facts.name };
    const deployment = one(objects, 'Deployment', facts.name).spec as {
      selector: object;
      template: { metadata: { labels: object } };
    };
    const budget = one(objects, 'PodDisruptionBudget', facts.name).spec as { selector: object };
    const address = one(objects, 'Service', facts.name).spec as { selector: object };
    const labels = deployment.template.metadata.labels as Record<string, string>;
    return [
      ...different(
        [deployment.selector, budget.selector, { matchLabels: address.selector }],
        Array(3).fill({ matchLabels: label }),
      ),
      ...different(
        [labels['app.kubernetes.io/name'], labels['app.kubernetes.io/component']],
        [facts.name, 'service'],
      ),
    ];
  },
};

/** Only the init container may read the secret of the role that owns the tables. */
function ownerProblems(objects: Objects, facts: ServiceFacts, first: Container, main: Container): string[] {
  const { volumes = [] } = podOf(objects, facts);
  const volume = volumes.find(({ secret }) =>
    secret?.secretName.startsWith(`${facts.name}-migration-secrets`),
  );
  const mounts = first.volumeMounts ?? [];
  const folder = mounts.find(({ name }) => name === volume?.name)?.mountPath;
  return [
    ...different(environmentOf(objects, first).MIGRATE_DATABASE_URL_FILE, `${folder}/migrate-database-url`),
    ...different(
      mounts.filter(({ name }) => name !== volume?.name),
      main.volumeMounts,
    ),
    ...(Object.keys(environmentOf(objects, main)).some((name) => name.startsWith('MIGRATE_DATABASE_URL'))
      ? [`${facts.name} runs with the owner's password`]
      : []),
  ];
}

/** The connections that PostgreSQL allows by default, and those that it reserves for superusers. */
const defaultConnections = 100;
export const reservedConnections = 3;

/**
 * The connections that all instances of a service may open at once, with one instance more than the autoscaler's maximum
 * during a rollout. An init container opens fewer than the pool of its pod, which starts after it.
 */
export function mostConnections(objects: Objects, name: string): number {
  const deployment = one(objects, 'Deployment', name).spec as {
    strategy: { rollingUpdate: { maxSurge: number } };
  };
  const main = container(pod(objects, 'Deployment', name), name);
  const instances = scalerOf(objects, name).maxReplicas + deployment.strategy.rollingUpdate.maxSurge;
  return instances * Number(environmentOf(objects, main).DATABASE_POOL);
}

interface Scaler {
  maxReplicas: number;
  metrics?: Array<{ resource?: { target: { averageValue?: string } } }>;
}

function scalerOf(objects: Objects, name: string): Scaler {
  return one(objects, 'HorizontalPodAutoscaler', name).spec as unknown as Scaler;
}

function cpuLimit({ resources }: Container): string | undefined {
  return resources?.limits?.cpu;
}

function millicores(quantity: string | undefined): number {
  return quantity?.endsWith('m') ? Number(quantity.slice(0, -1)) : Number(quantity) * 1_000;
}

export function environmentOf(
  objects: Objects,
  { env = [], envFrom = [] }: Container,
): Record<string, string> {
  const maps = envFrom.map(
    ({ configMapRef }) => one(objects, 'ConfigMap', configMapRef?.name ?? '').data ?? {},
  );
  const own = Object.fromEntries(env.map(({ name, value }) => [name, value ?? 'from-the-cluster']));
  return Object.assign({}, ...maps, own);
}

function podOf(objects: Objects, { name }: ServiceFacts): PodSpec {
  return pod(objects, 'Deployment', name);
}

function mainContainer(objects: Objects, facts: ServiceFacts): Container {
  return container(podOf(objects, facts), facts.name);
}

/** The key in the Secret: `database-url` for `DATABASE_URL_FILE`. */
function fileName(variable: string): string {
  return variable.slice(0, -'_FILE'.length).toLowerCase().replaceAll('_', '-');
}

function different(given: unknown, wanted: unknown): string[] {
  const [is, should] = [JSON.stringify(given), JSON.stringify(wanted)];
  return is === should ? [] : [`${is} instead of ${should}`];
}
