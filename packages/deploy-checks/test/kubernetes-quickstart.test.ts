import { describe, expect, it } from '@jest/globals';
import { named } from '@warren/testing';
import { quickstartRules, secret } from './rules/quickstart.js';
import { serviceRules } from './rules/service.js';
import { readCompose } from './support/compose.js';
import { type KubernetesObject, one, pod, render, renderingUnavailable } from './support/kubernetes.js';
import { kubernetesProblems } from './support/kubernetes-schema.js';
import { textOf } from './support/repository.js';
import { services } from './support/services.js';
import { set } from './support/set.js';

type Rule = keyof typeof quickstartRules;

(renderingUnavailable ? describe.skip : describe)(
  named('k8s/overlays/quickstart', renderingUnavailable),
  () => {
    const rendered = renderingUnavailable ? [] : render('k8s/overlays/quickstart');
    const objects = () => structuredClone(rendered);

    it('fits the schemas of Kubernetes', async () => {
      expect(await kubernetesProblems(objects())).toEqual([]);
    });

    it.each(Object.entries(quickstartRules))('%s', (_rule, check) => {
      expect(check(objects())).toEqual([]);
    });

    it.each(services.map((facts) => [facts.name, facts] as const))(
      'keeps the rules for %s',
      (_name, facts) => {
        expect(Object.values(serviceRules).flatMap((check) => check(objects(), facts))).toEqual([]);
      },
    );

    it('gives the broker the same users and permissions as docker-compose.yml', () => {
      const compose =
        readCompose(textOf('docker-compose.yml')).configs['rabbitmq-definitions']?.content ?? '';
      const definitions = secret(objects(), 'rabbitmq-definitions')['definitions.json'] ?? '';
      expect(JSON.parse(definitions)).toEqual(JSON.parse(compose));
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
    ];

    it('have a mistake for each rule', () => {
      expect(new Set(mistakes.map(([rule]) => rule))).toEqual(new Set(Object.keys(quickstartRules)));
    });

    it.each(mistakes)('would notice that not "%s" (%#)', (rule, change) => {
      const changed = objects();
      change(changed);
      expect(quickstartRules[rule](changed)).not.toEqual([]);
    });
  },
);

function paths(objects: readonly KubernetesObject[]) {
  const { rules } = one(objects, 'Ingress', 'warren').spec as {
    rules: Array<{ http: { paths: Array<{ backend: { service: { port: object } } }> } }>;
  };
  return rules[0]?.http.paths ?? [];
}

function secretObject(objects: readonly KubernetesObject[], name: string) {
  return objects.find(({ kind, metadata }) => kind === 'Secret' && metadata.name.startsWith(`${name}-`));
}
