import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { root } from './support/process.js';

interface Mutation {
  guard: string;
  file: string;
  from: string;
  and?: { from: string };
}

it('each mutation applies to exactly one place in the code and is listed in docs/mutations.md', async () => {
  const { mutations } = (await import(join(root, 'scripts/mutations/list.mjs'))) as { mutations: Mutation[] };
  const page = await readFile(join(root, 'docs/mutations.md'), 'utf8');
  expect(mutations.length).toBeGreaterThan(20);
  for (const { guard, file, from, and } of mutations) {
    const text = await readFile(join(root, file), 'utf8');
    const counts = [from, ...(and ? [and.from] : [])].map((part) => text.split(part).length - 1);
    expect([guard, ...counts]).toEqual([guard, ...counts.map(() => 1)]);
    expect(page).toContain(`| ${guard} | [${file.split('/').at(-1)}](../${file}) |`);
  }
});
