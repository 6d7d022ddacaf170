import type { KubernetesObject } from '../support/kubernetes.js';

interface Peer {
  podSelector?: Selector;
  namespaceSelector?: Selector;
  ipBlock?: object;
}

interface Selector {
  matchLabels?: Record<string, string>;
  matchExpressions?: object[];
}

interface Rule {
  from?: Peer[];
  to?: Peer[];
  ports?: Array<{ protocol?: string; port?: string | number; endPort?: number }>;
}

interface PolicySpec {
  podSelector: Selector;
  policyTypes?: string[];
  ingress?: Rule[];
  egress?: Rule[];
}

/** The policy as sorted sentences, such as `in 4002/TCP from anywhere`, or `in everything` for an unrestricted direction. */
export function permitted(policy: KubernetesObject): string[] {
  const { policyTypes = [], ingress = [], egress = [] } = policy.spec as unknown as PolicySpec;
  const into = policyTypes.includes('Ingress')
    ? ingress.flatMap((rule) => sentences('in', 'from', rule, rule.from))
    : ['in everything'];
  const out = policyTypes.includes('Egress')
    ? egress.flatMap((rule) => sentences('out', 'to', rule, rule.to))
    : ['out everything'];
  return [...into, ...out].sort();
}

export function appliesTo(policy: KubernetesObject): string {
  return selector((policy.spec as unknown as PolicySpec).podSelector);
}

function sentences(direction: string, word: string, rule: Rule, peers: Peer[] | undefined): string[] {
  const places = peers && peers.length > 0 ? peers.map(place) : ['anywhere'];
  const ports = rule.ports?.map(({ port, protocol = 'TCP', endPort }) => {
    const range = endPort === undefined ? '' : `-${endPort}`;
    return `${port ?? 'any'}${range}/${protocol}`;
  }) ?? ['any port'];
  return ports.flatMap((port) => places.map((peer) => `${direction} ${port} ${word} ${peer}`));
}

function place({ podSelector, namespaceSelector, ipBlock }: Peer): string {
  if (ipBlock) return `addresses ${JSON.stringify(ipBlock)}`;
  const pods = podSelector ? `pods ${selector(podSelector)}` : 'all pods';
  return namespaceSelector ? `${pods} in namespaces ${selector(namespaceSelector)}` : pods;
}

function selector({ matchLabels = {}, matchExpressions = [] }: Selector): string {
  const labels = Object.entries(matchLabels).map(([key, value]) => `${key.split('/').at(-1)}=${value}`);
  return `(${[...labels.sort(), ...matchExpressions.map((item) => JSON.stringify(item))].join(' ')})`;
}
