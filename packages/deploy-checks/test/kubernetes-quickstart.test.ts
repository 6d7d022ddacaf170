import { describe, expect, it } from '@jest/globals';
import { named } from '@warren/testing';
import { everyQuickstart, mainEnvironment, quickstartRules } from './rules/quickstart.js';
import { serviceRules } from './rules/service.js';
import { readCompose } from './support/compose.js';
import { type KubernetesObject, one, pod, render, renderingUnavailable } from './support/kubernetes.js';
import { kubernetesProblems } from './support/kubernetes-schema.js';
import { textOf } from './support/repository.js';
import { services } from './support/services.js';
import { set } from './support/set.js';

const rules = { ...quickstartRules, ...everyQuickstart };
type Rule = keyof typeof rules;

(renderingUnavailable ? describe.skip : describe)(
  named('k8s/overlays/quickstart', renderingUnavailable),
  () => {
    const rendered = renderingUnavailable ? [] : render('k8s/overlays/quickstart');
    const objects = () => structuredClone(rendered);

    it('matches the schemas of Kubernetes', async () => {
      expect(await kubernetesProblems(objects())).toEqual([]);
    });

    it.each(Object.entries(rules))('%s', (_rule, check) => {
      expect(check(objects())).toEqual([]);
    });

    it.each(services.map((facts) => [facts.name, facts] as const))(
      'follows the rules for the %s service',
      (_name, facts) => {
        expect(Object.values(serviceRules).flatMap((check) => check(objects(), facts))).toEqual([]);
      },
    );

    it('gives the broker the same definitions as docker-compose.yml', () => {
      const { secrets } = readCompose(textOf('docker-compose.yml'));
      expect(secrets['rabbitmq-definitions']?.file).toBe(
        './k8s/overlays/quickstart/rabbitmq/definitions.json',
      );
    });

    it('documents the Kubernetes version that it needs and how to build images', () => {
      for (const page of ['README.md', 'docs/deployment.md', 'k8s/overlays/quickstart/kustomization.yaml']) {
        const text = textOf(page);
        const said = [/kubectl apply -k/, /Kubernetes\s+≥ 1\.30/, /npm run images/];
        expect({ page, unsaid: said.filter((each) => !each.test(text)) }).toEqual({ page, unsaid: [] });
      }
    });

    /** Mistakes that the rules must find: at least one for each rule. */
    const mistakes: Array<[Rule, (o: KubernetesObject[]) => void]> = [
      [
        'puts everything into one restricted namespace',
        (o) => set(one(o, 'Service', 'user').metadata, 'namespace', 'default'),
      ],
      [
        'puts everything into one restricted namespace',
        (o) => delete one(o, 'Namespace', 'warren').metadata.labels,
      ],
      [
        'runs pods that are restricted, limited and of a fixed version',
        (o) => set(pod(o, 'StatefulSet', 'postgres').containers[0], 'image', 'postgres'),
      ],
      [
        'runs pods that are restricted, limited and of a fixed version',
        (o) => set(pod(o, 'StatefulSet', 'rabbitmq'), 'securityContext', {}),
      ],
      [
        'lets only services reach broker and database, and denies all other traffic',
        (o) => set(one(o, 'NetworkPolicy', 'postgres').spec, 'ingress', [{}]),
      ],
      [
        'lets only services reach broker and database, and denies all other traffic',
        (o) => set(one(o, 'NetworkPolicy', 'default-deny').spec, 'policyTypes', ['Ingress']),
      ],
      [
        'marks secrets as for development only',
        (o) => delete o.find(({ kind }) => kind === 'Secret')?.metadata.annotations,
      ],
      [
        'starts each service with the published secrets',
        (o) => set(configOf(o, 'payment'), 'DEPLOYMENT', 'production'),
      ],
      [
        'gives services the addresses, names and passwords of broker and database',
        (o) => set(one(o, 'Service', 'rabbitmq').spec, 'ports', [{ port: 5673 }]),
      ],
      [
        'gives services the addresses, names and passwords of broker and database',
        (o) => set(secretObject(o, 'postgres-passwords'), 'data', {}),
      ],
      [
        'routes the ingress to public ports, and lets a socket be silent for as long as it may',
        (o) => paths(o).splice(0, 1),
      ],
      [
        'routes the ingress to public ports, and lets a socket be silent for as long as it may',
        (o) => set(paths(o)[0]?.backend.service.port, 'name', 'internal'),
      ],
      [
        'routes the ingress to public ports, and lets a socket be silent for as long as it may',
        (o) => delete one(o, 'Ingress', 'warren').metadata.annotations,
      ],
      [
        'routes the ingress to public ports, and lets a socket be silent for as long as it may',
        (o) => delete one(o, 'Ingress', 'warren').spec?.ingressClassName,
      ],
      [
        'keeps all services together within the connections of the database server',
        (o) => delete pod(o, 'StatefulSet', 'postgres').containers[0]?.args,
      ],
      [
        'keeps all services together within the connections of the database server',
        (o) => set(one(o, 'HorizontalPodAutoscaler', 'user').spec, 'maxReplicas', 10),
      ],
      [
        'admits a web app on this machine, and links to it in mails',
        (o) => set(configOf(o, 'user'), 'CORS_ORIGINS', 'https://warren.example'),
      ],
      [
        'admits a web app on this machine, and links to it in mails',
        (o) => set(configOf(o, 'notification'), 'WEB_URL', 'https://warren.example'),
      ],
      ['keeps the mails of all pods in one place', (o) => delete configOf(o, 'notification').SMTP_URL],
      [
        'keeps the mails of all pods in one place',
        (o) => set(one(o, 'StatefulSet', 'mail').spec, 'replicas', 2),
      ],
    ];

    it('has a test with a mistake for each rule', () => {
      expect(new Set(mistakes.map(([rule]) => rule))).toEqual(new Set(Object.keys(rules)));
    });

    it.each(mistakes)('fail on a mistake: %s (%#)', (rule, change) => {
      const changed = objects();
      change(changed);
      expect(rules[rule](changed)).not.toEqual([]);
    });
  },
);

(renderingUnavailable ? describe.skip : describe)(
  named('k8s/overlays/quickstart-port-forward', renderingUnavailable),
  () => {
    const objects = renderingUnavailable ? [] : render('k8s/overlays/quickstart-port-forward');

    it('matches the schemas of Kubernetes', async () => {
      expect(await kubernetesProblems(objects)).toEqual([]);
    });

    it.each(Object.entries(everyQuickstart))('%s', (_rule, check) => {
      expect(check(objects)).toEqual([]);
    });

    it.each(services.map((facts) => [facts.name, facts] as const))(
      'follows the rules for the %s service',
      (_name, facts) => {
        expect(Object.values(serviceRules).flatMap((check) => check(objects, facts))).toEqual([]);
      },
    );

    it('has no ingress, trusts no proxy, and serves sockets at the paths of the README', () => {
      expect(objects.filter(({ kind }) => kind === 'Ingress')).toEqual([]);
      for (const { name } of services) {
        const { TRUST_PROXY, SOCKET_PATH } = mainEnvironment(objects, name);
        expect({ name, TRUST_PROXY, SOCKET_PATH }).toEqual({
          name,
          TRUST_PROXY: 'off',
          SOCKET_PATH: '/socket.io',
        });
      }
    });
  },
);

function configOf(objects: readonly KubernetesObject[], service: string): Record<string, string> {
  const found = objects.find(
    ({ kind, metadata }) => kind === 'ConfigMap' && metadata.name.startsWith(`${service}-config-`),
  );
  return found?.data ?? {};
}

function paths(objects: readonly KubernetesObject[]) {
  const { rules } = one(objects, 'Ingress', 'warren').spec as {
    rules: Array<{ http: { paths: Array<{ backend: { service: { port: object } } }> } }>;
  };
  return rules[0]?.http.paths ?? [];
}

function secretObject(objects: readonly KubernetesObject[], name: string) {
  return objects.find(({ kind, metadata }) => kind === 'Secret' && metadata.name.startsWith(`${name}-`));
}
