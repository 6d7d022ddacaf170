import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { named } from '@warren/testing';
import type { Definitions } from './support/broker-users.js';
import { composeSchemaProblems, mountedSecrets, readCompose } from './support/compose.js';
import { one, render, renderingUnavailable } from './support/kubernetes.js';
import { kubernetesProblems } from './support/kubernetes-schema.js';
import { pathOf } from './support/repository.js';
import { run } from './support/tools.js';

const generator = pathOf('packages/deploy-checks/test/support/generate.mjs');

describe('npm run generate', () => {
  it('has nothing to write: every generated file is up to date', () => {
    expect(JSON.parse(run('node', [generator, 'stale']))).toEqual([]);
  });

  describe('after a folder with a new service was added', () => {
    let checkout: string;
    let files: Record<string, string>;

    beforeAll(async () => {
      checkout = await mkdtemp(join(tmpdir(), 'warren-generate-'));
      for (const part of ['k8s', 'services', 'docker-compose.yml', '.env.example', 'README.md']) {
        await cp(pathOf(part), join(checkout, part), {
          recursive: true,
          filter: (path) => !/\/(node_modules|dist|src|test|prisma)$/.test(path),
        });
      }
      await write('services/extra/package.json', {
        name: '@warren/extra-service',
        warren: { paths: ['/extras'], compose: { environment: { EXTRA_FOLDER: '/data' } } },
        dependencies: { '@warren/extra-contract': 'workspace:*', '@warren/other-contract': 'workspace:*' },
      });
      await write('services/extra/contract/package.json', { name: '@warren/extra-contract' });
      await write('services/other/contract/package.json', { name: '@warren/other-contract' });
      files = JSON.parse(run('node', [generator, 'extra', checkout]));
      for (const [file, text] of Object.entries(files)) await write(file, text);
    }, 60_000);

    afterAll(() => rm(checkout, { recursive: true, force: true }));

    async function write(file: string, content: string | object): Promise<void> {
      await mkdir(dirname(join(checkout, file)), { recursive: true });
      await writeFile(join(checkout, file), typeof content === 'string' ? content : JSON.stringify(content));
    }

    it('writes a Dockerfile that copies the contracts of other services', () => {
      const text = files['services/extra/Dockerfile'];
      expect(text).toContain('EXPOSE 4042\n');
      expect(text).toContain('COPY services/other/contract services/other/contract\nCOPY services/extra ');
      expect(text).not.toContain('{{');
    });

    it('adds the service, its migration, settings and secrets to docker-compose.yml', () => {
      const compose = readCompose(files['docker-compose.yml'] ?? '');
      expect(composeSchemaProblems(compose)).toEqual([]);
      const { extra, postgres, 'extra-migrate': migrates } = compose.services;
      expect(extra?.environment).toMatchObject({ EXTRA_LEVEL: '', EXTRA_FOLDER: '/data' });
      expect(extra?.ports).toEqual(['127.0.0.1:4042:4042']);
      expect([...mountedSecrets(postgres ?? { image: '' }).values()]).toContain('extra-database-password');
      for (const secret of [extra, migrates].flatMap((it) => [
        ...mountedSecrets(it ?? { image: '' }).values(),
      ])) {
        expect(files[compose.secrets[secret]?.file.replace('./', '') ?? '']).toContain('development-only');
      }
      expect(files['.env.example']).toMatch(/^EXTRA_LEVEL=$[\s\S]*^EXTRA_PORT=$[\s\S]*^EXTRA_IMAGE=$/m);
    });

    it('gives it a user at the broker, with permissions for its own events and those that it consumes', () => {
      const definitions = JSON.parse(
        files['k8s/overlays/quickstart/rabbitmq/definitions.json'] ?? '',
      ) as Definitions;
      expect(definitions.users.map(({ name }) => name)).toContain('extra');
      const events = definitions.topic_permissions.find(
        ({ user, exchange }) => user === 'extra' && exchange === 'warren.events',
      );
      expect(events?.write).toBe('^(extra\\..+)$');
      expect(new RegExp(events?.read ?? '').test('user.registered')).toBe(true);
      expect(new RegExp(events?.read ?? '').test('user.password-reset-requested')).toBe(false);
    });

    it('adds it to the tables of the README', () => {
      expect(files['README.md']).toContain('| extra | http://localhost:4042 | `/extra` |');
      expect(files['README.md']).toContain(
        '| `EXTRA_LEVEL` | extra | required | A setting of this service. |',
      );
    });

    (renderingUnavailable ? it.skip : it)(
      named('writes manifests for its team and for the quickstart', renderingUnavailable),
      async () => {
        const own = render(join(checkout, 'k8s/services/extra'));
        const all = render(join(checkout, 'k8s/overlays/quickstart'));
        expect(await kubernetesProblems([...own, ...all])).toEqual([]);
        one(own, 'Deployment', 'extra');
        one(all, 'NetworkPolicy', 'extra');
        const { spec } = one(all, 'Ingress', 'warren');
        expect(JSON.stringify(spec)).toContain(
          '{"backend":{"service":{"name":"extra","port":{"name":"http"}}},"path":"/extras"',
        );
      },
    );
  });
});
