// Files that follow from the rules and from the services. `npm run generate` writes them, `npm run check` compares.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { boundaries } from '../../lint/boundaries.mjs';
import { exemptions } from '../../lint/exemptions.mjs';
import { root } from './workspace.mjs';

/** Writes what differs, and returns the paths of these files. */
export async function generate() {
  const stale = await staleFiles();
  for (const [file, text] of stale) await writeFile(join(root, file), text);
  return [...stale.keys()];
}

/** The text that each file should have and hasn't, by path. */
export async function staleFiles() {
  const stale = new Map();
  for (const [file, text] of Object.entries(boundaries(exemptions.files))) {
    if ((await readFile(join(root, file), 'utf8').catch(() => undefined)) !== text) stale.set(file, text);
  }
  return stale;
}
