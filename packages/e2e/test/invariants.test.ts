import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { root } from './support/process.js';

interface Guard {
  invariant: string;
  file: string;
  test: string;
}

/** Parses rows like `| I7 | what holds | [file](../file) › "test title" |`. A row may name several guards. */
function guards(page: string): Guard[] {
  const rows = page.split('\n').filter((line) => /^\| [IS]\d+ +\|/.test(line));
  return rows.flatMap((row) => {
    const invariant = row.split('|')[1]?.trim() ?? '';
    const named = [...row.matchAll(/\]\(\.\.\/([^)]+)\) › "([^"]+)"/g)];
    if (named.length === 0) return [{ invariant, file: '', test: '' }];
    return named.map((match) => ({ invariant, file: match[1] as string, test: match[2] as string }));
  });
}

describe('docs/invariants.md and docs/security.md', () => {
  it('are checked for rows without a guard', async () => {
    expect(guards('| I1 | holds | nobody |')).toEqual([{ invariant: 'I1', file: '', test: '' }]);
    expect(guards('| I2 | holds | [a](../a.ts) › "b c" |')).toEqual([
      { invariant: 'I2', file: 'a.ts', test: 'b c' },
    ]);
  });

  it.each(['invariants', 'security'])('name an existing test in every row of %s', async (page) => {
    const all = guards(await readFile(join(root, `docs/${page}.md`), 'utf8'));
    expect(all.length).toBeGreaterThan(20);
    for (const { invariant, file, test } of all) {
      const text = await readFile(join(root, file), 'utf8').catch(() => '');
      expect({ invariant, file, test, exists: text.includes(test) }).toEqual({
        invariant,
        file,
        test,
        exists: true,
      });
    }
  });

  it('use each number once', async () => {
    const page = await readFile(join(root, 'docs/invariants.md'), 'utf8');
    const numbers = page.split('\n').flatMap((line) => /^\| (I\d+) +\|/.exec(line)?.[1] ?? []);
    expect(new Set(numbers).size).toBe(numbers.length);
  });
});
