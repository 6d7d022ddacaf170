import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { named } from '@warren/testing';
import { podsOf, render, renderingUnavailable } from './support/kubernetes.js';
import { pathOf } from './support/repository.js';
import { services } from './support/services.js';
import { run } from './support/tools.js';

/** Replaces docker and kind: records its arguments and the names of the images. */
const program =
  '#!/bin/sh\necho "$(basename "$0") $* [$USER_IMAGE $WARREN_VERSION]" >> "$WARREN_TEST_CALLS"\n';

describe('npm run images', () => {
  const overlay = `test-${process.pid}`;
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'warren-images-'));
    for (const name of ['docker', 'kind']) {
      writeFileSync(join(folder, name), program);
      chmodSync(join(folder, name), 0o755);
    }
  });

  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
    rmSync(pathOf(`k8s/overlays/${overlay}`), { recursive: true, force: true });
  });

  /** Returns the calls of docker and kind, one for each line. */
  function images(...args: string[]): string[] {
    const calls = join(folder, 'calls');
    rmSync(calls, { force: true });
    run('node', [pathOf('scripts/warren.mjs'), 'images', '--overlay', overlay, ...args], {
      env: { ...process.env, PATH: `${folder}${delimiter}${process.env.PATH}`, WARREN_TEST_CALLS: calls },
    });
    return readFileSync(calls, 'utf8').trim().split('\n');
  }

  const tagOf = (calls: readonly string[]) => /\[\S+:(\S+) /.exec(calls[0] ?? '')?.[1] ?? '';

  it('builds images under a unique tag and loads them into the cluster', () => {
    const calls = images('--kind', 'trial');
    const tag = tagOf(calls);
    const built = services.map(({ name }) => `warren-${name}:${tag}`);
    const loaded = calls.find((call) => call.startsWith('kind load docker-image --name trial '));
    for (const image of built) expect(loaded).toContain(image);
    expect(tagOf(images())).not.toBe(tag);
  });

  it('pushes to the given registry, and refuses to push without one', () => {
    const calls = images('--registry', 'registry.example/warren', '--push');
    const tag = tagOf(calls);
    for (const { name } of services) {
      expect(calls.join('\n')).toContain(`docker push registry.example/warren/warren-${name}:${tag}`);
    }
    expect(() => images('--push')).toThrow();
  });

  (renderingUnavailable ? it.skip : it)(
    named('writes an overlay of the quickstart that names the images', renderingUnavailable),
    () => {
      const tag = tagOf(images('--registry', 'registry.example/warren'));
      const objects = render(`k8s/overlays/${overlay}`);
      const used = objects.flatMap((object) => {
        const { initContainers = [], containers = [] } = podsOf(object) ?? {};
        return [...initContainers, ...containers].map(({ image }) => image);
      });
      const ours = [...new Set(used.filter((image) => image.includes('warren-')))].sort();
      expect(ours).toEqual(
        services.map(({ name }) => `registry.example/warren/warren-${name}:${tag}`).sort(),
      );
    },
  );
});
