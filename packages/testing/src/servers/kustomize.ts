import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { brief, NotAvailable } from './started-server.js';
import { unpack } from './unpack.js';

const run = promisify(execFile);

/** Uses every feature that our manifests need. Old versions don't support components. */
const sample = resolve(import.meta.dirname, '../../../../k8s/overlays/quickstart');

/** A command that renders a kustomization when the folder's path is appended. */
export type Renderer = readonly [program: string, ...args: string[]];

const installedRenderers: readonly Renderer[] = [
  ['kubectl', 'kustomize'],
  ['kustomize', 'build'],
];

/**
 * Finds a program that renders the manifests: an installed kubectl or kustomize that is new enough, or the kustomize
 * of Debian 13, which it downloads. The variables carry the command, or the reason why there is none.
 */
export async function findKustomize(
  say: (line: string) => void,
): Promise<{ description: string; env: Record<string, string> }> {
  try {
    const renderer = (await firstThatRenders(installedRenderers)) ?? (await downloadKustomize(say));
    return {
      description: `Kustomize: ${renderer.join(' ')}`,
      env: { WARREN_TEST_KUSTOMIZE: JSON.stringify(renderer) },
    };
  } catch (error) {
    if (!(error instanceof NotAvailable)) throw error;
    const reason = `no kubectl or kustomize renders the manifests: ${brief(error)}`;
    return {
      description: `${reason}; their tests are skipped`,
      env: { WARREN_TEST_KUSTOMIZE_UNAVAILABLE: reason },
    };
  }
}

async function downloadKustomize(say: (line: string) => void): Promise<Renderer> {
  const folder = await unpack({ name: 'kustomize', suite: 'trixie' }, say);
  const renderer = await firstThatRenders([[join(folder, 'usr/bin/kustomize'), 'build']]);
  if (!renderer) throw new NotAvailable('the kustomize of Debian trixie does not run here; install kubectl');
  return renderer;
}

async function firstThatRenders(renderers: readonly Renderer[]): Promise<Renderer | undefined> {
  for (const renderer of renderers) {
    const [program, ...args] = renderer;
    try {
      await run(program, [...args, sample], { timeout: 60_000, maxBuffer: 64 * 1024 * 1024 });
      return renderer;
    } catch {
      // It is missing or too old: try the next one.
    }
  }
  return undefined;
}
