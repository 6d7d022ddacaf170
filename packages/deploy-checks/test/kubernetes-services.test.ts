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
    it('fits the schemas of Kubernetes', async () => {
      expect(await kubernetesProblems(objectsOf(name))).toEqual([]);
    });

    it.each(Object.entries(serviceRules))('%s', (_rule, check) => {
      expect(check(objectsOf(name), facts)).toEqual([]);
    });
  });

  it('are the same but for name, ports, addresses and what each alone reads and talks to', () => {
    const general = ['payment', 'notification'].map((name) => {
      const { port, internalPort, own } = service(name);
      const objects = objectsOf(name);
      for (const variable of own) delete configOf(objects)[variable];
      delete (one(objects, 'NetworkPolicy', name).spec as { egress?: object[] }).egress;
      const text = JSON.stringify(objects.map(withoutHash)).replaceAll(name, '<name>');
      return text.replaceAll(String(port), '<port>').replaceAll(String(internalPort), '<internal port>');
    });
    expect(general[0]).toBe(general[1]);
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

  /** Each rule must notice at least this mistake. */
  const mistakes: Array<[Rule, (objects: KubernetesObject[]) => void]> = [
    ['starts with its environment', (o) => set(configOf(o), 'DRIAN_SECONDS', '15')],
    ['starts with its environment', (o) => set(configOf(o), 'LOG_LEVEL', 'loud')],
    ['starts with its environment', (o) => set(main(o), 'env', [])],
    [
      'finds its secrets where the environment says',
      (o) => set(main(o).volumeMounts?.[0], 'mountPath', '/secrets'),
    ],
    [
      'has the ports of the service, and exposes the public one only',
      (o) => set(main(o).ports?.[0], 'containerPort', 4003),
    ],
    [
      'has the ports of the service, and exposes the public one only',
      (o) => set(one(o, 'Service', 'payment').spec, 'ports', [{ port: 5002, targetPort: 'internal' }]),
    ],
    ['migrates in an init container, and there only', (o) => delete podOf(o).initContainers],
    [
      'migrates in an init container, and there only',
      (o) => set(podOf(o).initContainers?.[0], 'args', ['node', 'dist/main.js']),
    ],
    [
      'migrates in an init container, and there only',
      (o) =>
        set(
          main(o).env?.find(({ name }) => name === 'MIGRATE'),
          'value',
          'on',
        ),
    ],
    ['migrates in an init container, and there only', (o) => podOf(o).initContainers?.[0]?.env?.splice(1, 1)],
    [
      'migrates in an init container, and there only',
      (o) =>
        main(o).volumeMounts?.push({ name: 'migration-secrets', mountPath: '/run/secrets/warren-migration' }),
    ],
    ['is probed at the real paths', (o) => set(main(o).readinessProbe?.httpGet, 'path', '/healthz')],
    ['is probed at the real paths', (o) => set(main(o).readinessProbe?.httpGet, 'port', 'http')],
    ['is probed at the real paths', (o) => delete main(o).startupProbe],
    ['has the time to drain', (o) => set(podOf(o), 'terminationGracePeriodSeconds', 45)],
    ['has the time to drain', (o) => delete main(o).lifecycle],
    ['has the time to drain', (o) => set(configOf(o), 'DRAIN_SECONDS', '60')],
    ['is restricted', (o) => set(podOf(o).securityContext, 'runAsNonRoot', false)],
    ['is restricted', (o) => set(main(o).securityContext, 'readOnlyRootFilesystem', false)],
    ['is restricted', (o) => set(main(o).securityContext, 'capabilities', {})],
    ['is restricted', (o) => delete podOf(o).automountServiceAccountToken],
    ['has requests, limits and a fixed image', (o) => set(main(o), 'image', 'warren-payment:latest')],
    ['has requests, limits and a fixed image', (o) => set(main(o), 'image', 'registry:5000/payment')],
    ['has requests, limits and a fixed image', (o) => delete main(o).resources?.limits],
    [
      'runs twice at least, spread over nodes, and keeps one through disruptions and rollouts',
      (o) => set(one(o, 'HorizontalPodAutoscaler', 'payment').spec, 'minReplicas', 1),
    ],
    [
      'runs twice at least, spread over nodes, and keeps one through disruptions and rollouts',
      (o) => set(one(o, 'Deployment', 'payment').spec, 'replicas', 2),
    ],
    [
      'may use the ports of the picture and no others',
      (o) => egress(o).push({ ports: [{ protocol: 'TCP', port: 443 }] }),
    ],
    ['may use the ports of the picture and no others', (o) => egress(o).splice(1, 1)],
    ['may use the ports of the picture and no others', (o) => dnsPeers(o).splice(1, 1)],
    [
      'may use the ports of the picture and no others',
      (o) => set(one(o, 'NetworkPolicy', 'payment').spec, 'ingress', [{ ports: [{ port: 4002 }] }]),
    ],
    [
      'grows when its CPU is used up, within the connections of a PostgreSQL of its own',
      (o) => set(one(o, 'HorizontalPodAutoscaler', 'payment').spec, 'maxReplicas', 10),
    ],
    [
      'grows when its CPU is used up, within the connections of a PostgreSQL of its own',
      (o) => set(configOf(o), 'DATABASE_POOL', '20'),
    ],
    [
      'grows when its CPU is used up, within the connections of a PostgreSQL of its own',
      (o) => set(one(o, 'HorizontalPodAutoscaler', 'payment').spec, 'metrics', []),
    ],
    ['has requests, limits and a fixed image', (o) => delete main(o).imagePullPolicy],
    [
      'may use the ports of the picture and no others',
      (o) => set(one(o, 'NetworkPolicy', 'payment').spec, 'policyTypes', ['Ingress']),
    ],
    ['may use the ports of the picture and no others', (o) => egress(o).push({})],
    [
      'is selected by its name everywhere',
      (o) => set(one(o, 'Service', 'payment').spec, 'selector', { 'app.kubernetes.io/name': 'user' }),
    ],
  ];

  it('have a mistake for each rule', () => {
    expect(new Set(mistakes.map(([rule]) => rule))).toEqual(new Set(Object.keys(serviceRules)));
  });

  it.each(mistakes)('would notice that not "%s" (%#)', (rule, change) => {
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

/** The name of a generated ConfigMap ends with a hash of what it holds. */
function withoutHash(object: KubernetesObject): unknown {
  return JSON.parse(JSON.stringify(object).replaceAll(/-config-[a-z0-9]{10}/g, '-config'));
}
