import { describe, expect, it } from '@jest/globals';
import { named } from '@warren/testing';
import { serviceRules } from './rules/service.js';
import {
  container,
  type KubernetesObject,
  one,
  pod,
  render,
  renderingUnavailable,
} from './support/kubernetes.js';
import { kubernetesProblems } from './support/kubernetes-schema.js';
import { service, services } from './support/services.js';
import { set } from './support/set.js';

const describeRendered = renderingUnavailable ? describe.skip : describe;
type Rule = keyof typeof serviceRules;

describeRendered(named('k8s/services', renderingUnavailable), () => {
  const rendered = new Map(
    renderingUnavailable ? [] : services.map(({ name }) => [name, render(`k8s/services/${name}`)]),
  );
  const objectsOf = (name: string) => structuredClone(rendered.get(name) ?? []);

  describe.each(services.map((facts) => [facts.name, facts] as const))('%s', (name, facts) => {
    it('matches the schemas of Kubernetes', async () => {
      expect(await kubernetesProblems(objectsOf(name))).toEqual([]);
    });

    it.each(Object.entries(serviceRules))('%s', (_rule, check) => {
      expect(check(objectsOf(name), facts)).toEqual([]);
    });
  });

  describe('the schemas of Kubernetes', () => {
    const problemsAfter = async (change: (objects: KubernetesObject[]) => void) => {
      const objects = objectsOf('payment');
      change(objects);
      return await kubernetesProblems(objects);
    };

    it.each<[string, (objects: KubernetesObject[]) => void]>([
      ['a misspelt field', (o) => set(main(o), 'livnessProbe', {})],
      ['a misspelt field far inside', (o) => set(main(o).readinessProbe?.httpGet, 'pth', '/')],
      ['a wrong type', (o) => set(podOf(o), 'terminationGracePeriodSeconds', 'sixty')],
      ['a missing field', (o) => delete one(o, 'Deployment', 'payment').spec?.selector],
      ['an unknown kind', (o) => set(one(o, 'Deployment', 'payment'), 'kind', 'Deploymnet')],
      [
        'a version that is gone',
        (o) => set(one(o, 'HorizontalPodAutoscaler', 'payment'), 'apiVersion', 'autoscaling/v2beta1'),
      ],
    ])('notice %s', async (_what, change) => {
      expect(await problemsAfter(change)).not.toEqual([]);
    });
  });

  /** Mistakes that the rules must find: at least one for each rule. */
  const mistakes: Array<[Rule, (objects: KubernetesObject[]) => void]> = [
    ['starts the service with a valid environment', (o) => set(configOf(o), 'DRIAN_SECONDS', '15')],
    ['starts the service with a valid environment', (o) => set(configOf(o), 'LOG_LEVEL', 'loud')],
    ['starts the service with a valid environment', (o) => set(main(o), 'env', [])],
    [
      'mounts the secrets where the environment names them',
      (o) => set(main(o).volumeMounts?.[0], 'mountPath', '/secrets'),
    ],
    [
      'declares the ports of the service and exposes only the public one',
      (o) => set(main(o).ports?.[0], 'containerPort', 4003),
    ],
    [
      'declares the ports of the service and exposes only the public one',
      (o) => set(one(o, 'Service', 'payment').spec, 'ports', [{ port: 5002, targetPort: 'internal' }]),
    ],
    ['migrates only in an init container', (o) => delete podOf(o).initContainers],
    [
      'migrates only in an init container',
      (o) => set(podOf(o).initContainers?.[0], 'args', ['node', 'dist/main.js']),
    ],
    [
      'migrates only in an init container',
      (o) =>
        set(
          main(o).env?.find(({ name }) => name === 'MIGRATE'),
          'value',
          'on',
        ),
    ],
    ['migrates only in an init container', (o) => podOf(o).initContainers?.[0]?.env?.splice(1, 1)],
    [
      'migrates only in an init container',
      (o) =>
        main(o).volumeMounts?.push({ name: 'migration-secrets', mountPath: '/run/secrets/warren-migration' }),
    ],
    [
      'probes the paths that the service has',
      (o) => set(main(o).readinessProbe?.httpGet, 'path', '/healthz'),
    ],
    ['probes the paths that the service has', (o) => set(main(o).readinessProbe?.httpGet, 'port', 'http')],
    ['probes the paths that the service has', (o) => delete main(o).startupProbe],
    ['gives the service time to drain', (o) => set(podOf(o), 'terminationGracePeriodSeconds', 45)],
    ['gives the service time to drain', (o) => delete main(o).lifecycle],
    ['gives the service time to drain', (o) => set(configOf(o), 'DRAIN_SECONDS', '60')],
    ['restricts the pod', (o) => set(podOf(o).securityContext, 'runAsNonRoot', false)],
    ['restricts the pod', (o) => set(main(o).securityContext, 'readOnlyRootFilesystem', false)],
    ['restricts the pod', (o) => set(main(o).securityContext, 'capabilities', {})],
    ['restricts the pod', (o) => delete podOf(o).automountServiceAccountToken],
    ['sets requests, limits and a fixed image', (o) => set(main(o), 'image', 'warren-payment:latest')],
    ['sets requests, limits and a fixed image', (o) => set(main(o), 'image', 'registry:5000/payment')],
    ['sets requests, limits and a fixed image', (o) => delete main(o).resources?.limits],
    [
      'runs at least two pods on different nodes, and keeps one during disruptions and rollouts',
      (o) => set(one(o, 'HorizontalPodAutoscaler', 'payment').spec, 'minReplicas', 1),
    ],
    [
      'runs at least two pods on different nodes, and keeps one during disruptions and rollouts',
      (o) => set(one(o, 'Deployment', 'payment').spec, 'replicas', 2),
    ],
    [
      'permits only the intended network traffic',
      (o) => egress(o).push({ ports: [{ protocol: 'TCP', port: 443 }] }),
    ],
    ['permits only the intended network traffic', (o) => egress(o).splice(1, 1)],
    ['permits only the intended network traffic', (o) => dnsPeers(o).splice(1, 1)],
    [
      'permits only the intended network traffic',
      (o) => set(one(o, 'NetworkPolicy', 'payment').spec, 'ingress', [{ ports: [{ port: 4002 }] }]),
    ],
    [
      'scales by CPU within the connections of its own PostgreSQL',
      (o) => set(one(o, 'HorizontalPodAutoscaler', 'payment').spec, 'maxReplicas', 10),
    ],
    [
      'scales by CPU within the connections of its own PostgreSQL',
      (o) => set(configOf(o), 'DATABASE_POOL', '20'),
    ],
    [
      'scales by CPU within the connections of its own PostgreSQL',
      (o) => set(one(o, 'HorizontalPodAutoscaler', 'payment').spec, 'metrics', []),
    ],
    ['sets requests, limits and a fixed image', (o) => delete main(o).imagePullPolicy],
    [
      'permits only the intended network traffic',
      (o) => set(one(o, 'NetworkPolicy', 'payment').spec, 'policyTypes', ['Ingress']),
    ],
    ['permits only the intended network traffic', (o) => egress(o).push({})],
    [
      'selects the pods by name everywhere',
      (o) => set(one(o, 'Service', 'payment').spec, 'selector', { 'app.kubernetes.io/name': 'user' }),
    ],
  ];

  it('has a test with a mistake for each rule', () => {
    expect(new Set(mistakes.map(([rule]) => rule))).toEqual(new Set(Object.keys(serviceRules)));
  });

  it.each(mistakes)('fail on a mistake: %s (%#)', (rule, change) => {
    const objects = objectsOf('payment');
    change(objects);
    expect(serviceRules[rule](objects, service('payment'))).not.toEqual([]);
  });
});

function podOf(objects: readonly KubernetesObject[]) {
  return pod(objects, 'Deployment', 'payment');
}

function main(objects: readonly KubernetesObject[]) {
  return container(podOf(objects), 'payment');
}

function configOf(objects: readonly KubernetesObject[]): Record<string, string> {
  return objects.find(({ kind }) => kind === 'ConfigMap')?.data ?? {};
}

function egress(objects: readonly KubernetesObject[]): object[] {
  const { egress: rules } = one(objects, 'NetworkPolicy', 'payment').spec as { egress: object[] };
  return rules;
}

function dnsPeers(objects: readonly KubernetesObject[]): object[] {
  return (egress(objects)[0] as { to: object[] }).to;
}
