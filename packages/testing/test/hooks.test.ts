import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { expect, it } from '@jest/globals';

const root = resolve(import.meta.dirname, '../../..');

/** Modules are loaded once in each worker, so a hook at the top level of a helper would run for one test file only. */
it('no helper of tests registers a hook when it is loaded', async () => {
  const files: string[] = [];
  for (const group of ['packages', 'services'])
    for (const name of await readdir(join(root, group)))
      files.push(...(await helpersIn(join(root, group, name, 'test'))));
  expect(files.length).toBeGreaterThan(50);
  const faulty = [];
  for (const file of files) {
    const text = await readFile(file, 'utf8');
    if (/^(before|after)(All|Each)\(/m.test(text)) faulty.push(file);
  }
  expect(faulty).toEqual([]);
});

async function helpersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts'))
    .map(({ parentPath, name }) => join(parentPath, name));
}
