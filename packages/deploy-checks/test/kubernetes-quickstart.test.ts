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

    it('fits the schemas of Kubernetes', async () => {
      expect(await kubernetesProblems(objects())).toEqual([]);
    });

    it.each(Object.entries(rules))('%s', (_rule, check) => {
      expect(check(objects())).toEqual([]);
    });

    it.each(services.map((facts) => [facts.name, facts] as const))(
      'keeps the rules for %s',
      (_name, facts) => {
        expect(Object.values(serviceRules).flatMap((check) => check(objects(), facts))).toEqual([]);
      },
    );

    it('gives the broker the definitions that docker-compose.yml mounts', () => {
      const { secrets } = readCompose(textOf('docker-compose.yml'));
      expect(secrets['rabbitmq-definitions']?.file).toBe(
        './k8s/overlays/quickstart/rabbitmq/definitions.json',
      );
    });

    it('says where it is applied which Kubernetes it needs and where images come from', () => {
      for (const page of ['README.md', 'docs/deployment.md', 'k8s/overlays/quickstart/kustomization.yaml']) {
        const text = textOf(page);
        const said = [/kubectl apply -k/, /Kubernetes\s+≥ 1\.30/, /npm run images/];
        expect({ page, unsaid: said.filter((each) => !each.test(text)) }).toEqual({ page, unsaid: [] });
      }
    });

    /** Each rule must notice at least this mistake. */
    const mistakes: Array<[Rule, (o: KubernetesObject[]) => void]> = [
      [
        'everything is in one restricted namespace',
        (o) => set(one(o, 'Service', 'user').metadata, 'namespace', 'default'),
      ],
      [
        'everything is in one restricted namespace',
        (o) => delete one(o, 'Namespace', 'warren').metadata.labels,
      ],
      [
        'every pod is admitted there, bounded and of a fixed version',
        (o) => set(pod(o, 'StatefulSet', 'postgres').containers[0], 'image', 'postgres'),
      ],
      [
        'every pod is admitted there, bounded and of a fixed version',
        (o) => set(pod(o, 'StatefulSet', 'rabbitmq'), 'securityContext', {}),
      ],
      [
        'broker and database talk to services only, and whatever else there is to nobody',
        (o) => set(one(o, 'NetworkPolicy', 'postgres').spec, 'ingress', [{}]),
      ],
      [
        'broker and database talk to services only, and whatever else there is to nobody',
        (o) => set(one(o, 'NetworkPolicy', 'default-deny').spec, 'policyTypes', ['Ingress']),
      ],
      [
        'secrets say that they are for development only',
        (o) => delete o.find(({ kind }) => kind === 'Secret')?.metadata.annotations,
      ],
      [
        'each service starts with the secrets that are published with it',
        (o) => set(configOf(o, 'payment'), 'DEPLOYMENT', 'production'),
      ],
      [
        'services know broker and database by the addresses, names and passwords that these have',
        (o) => set(one(o, 'Service', 'rabbitmq').spec, 'ports', [{ port: 5673 }]),
      ],
      [
        'services know broker and database by the addresses, names and passwords that these have',
        (o) => set(secretObject(o, 'postgres-passwords'), 'data', {}),
      ],
      [
        'the ingress leads to public ports, sockets by path and for as long as they are silent',
        (o) => paths(o).splice(0, 1),
      ],
      [
        'the ingress leads to public ports, sockets by path and for as long as they are silent',
        (o) => set(paths(o)[0]?.backend.service.port, 'name', 'internal'),
      ],
      [
        'the ingress leads to public ports, sockets by path and for as long as they are silent',
        (o) => delete one(o, 'Ingress', 'warren').metadata.annotations,
      ],
      [
        'the ingress leads to public ports, sockets by path and for as long as they are silent',
        (o) => delete one(o, 'Ingress', 'warren').spec?.ingressClassName,
      ],
      [
        'all services together stay within the connections of the one database server',
        (o) => delete pod(o, 'StatefulSet', 'postgres').containers[0]?.args,
      ],
      [
        'all services together stay within the connections of the one database server',
        (o) => set(one(o, 'HorizontalPodAutoscaler', 'user').spec, 'maxReplicas', 10),
      ],
      [
        'a web app in development on this machine may call, and links in mails lead to it',
        (o) => set(configOf(o, 'user'), 'CORS_ORIGINS', 'https://warren.example'),
      ],
      [
        'a web app in development on this machine may call, and links in mails lead to it',
        (o) => set(configOf(o, 'notification'), 'WEB_URL', 'https://warren.example'),
      ],
      [
        'mails of all pods are in one place, which keeps them',
        (o) => delete configOf(o, 'notification').SMTP_URL,
      ],
      [
        'mails of all pods are in one place, which keeps them',
        (o) => set(one(o, 'StatefulSet', 'mail').spec, 'replicas', 2),
      ],
    ];

    it('have a mistake for each rule', () => {
      expect(new Set(mistakes.map(([rule]) => rule))).toEqual(new Set(Object.keys(rules)));
    });

    it.each(mistakes)('would notice that not "%s" (%#)', (rule, change) => {
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

    it('fits the schemas of Kubernetes', async () => {
      expect(await kubernetesProblems(objects)).toEqual([]);
    });

    it.each(Object.entries(everyQuickstart))('%s', (_rule, check) => {
      expect(check(objects)).toEqual([]);
    });

    it.each(services.map((facts) => [facts.name, facts] as const))(
      'keeps the rules for %s',
      (_name, facts) => {
        expect(Object.values(serviceRules).flatMap((check) => check(objects, facts))).toEqual([]);
      },
    );

    it('has no ingress, believes no proxy, and serves sockets where the README looks for them', () => {
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
