import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { brief, NotHere } from './started.js';
import { unpack } from './unpack.js';

const run = promisify(execFile);

/** Needs all that our manifests need; versions of years ago know no components. */
const sample = resolve(import.meta.dirname, '../../../../k8s/overlays/quickstart');

/** A command that renders a kustomization when the folder's path is appended. */
export type Renderer = readonly [program: string, ...args: string[]];

const installedRenderers: readonly Renderer[] = [
  ['kubectl', 'kustomize'],
  ['kustomize', 'build'],
];

/**
 * Finds what renders the manifests, or brings it: an installed kubectl or kustomize that is new enough, else the one
 * of Debian 13. The variables carry the command, or why there is none.
 */
export async function kustomize(
  say: (line: string) => void,
): Promise<{ what: string; env: Record<string, string> }> {
  try {
    const renderer = (await firstThatRenders(installedRenderers)) ?? (await fetched(say));
    return {
      what: `Kustomize: ${renderer.join(' ')}`,
      env: { WARREN_TEST_KUSTOMIZE: JSON.stringify(renderer) },
    };
  } catch (error) {
    if (!(error instanceof NotHere)) throw error;
    const reason = `no kubectl or kustomize renders the manifests: ${brief(error)}`;
    return { what: `${reason}; their tests are skipped`, env: { WARREN_TEST_KUSTOMIZE_UNAVAILABLE: reason } };
  }
}

async function fetched(say: (line: string) => void): Promise<Renderer> {
  const folder = await unpack({ name: 'kustomize', suite: 'trixie' }, say);
  const renderer = await firstThatRenders([[join(folder, 'usr/bin/kustomize'), 'build']]);
  if (!renderer) throw new NotHere('the kustomize of Debian trixie does not run here; install kubectl');
  return renderer;
}

async function firstThatRenders(renderers: readonly Renderer[]): Promise<Renderer | undefined> {
  for (const renderer of renderers) {
    const [program, ...args] = renderer;
    try {
      await run(program, [...args, sample], { timeout: 60_000, maxBuffer: 64 * 1024 * 1024 });
      return renderer;
    } catch {
      // Missing or too old: the next one is tried.
    }
  }
  return undefined;
}
