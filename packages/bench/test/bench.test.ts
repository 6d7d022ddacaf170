import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { testDatabase } from '@warren/testing';
import pg from 'pg';

const run = promisify(execFile);
const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));

describe('the benchmark', () => {
  it('measures both systems and drops its databases', async () => {
    const argv = [
      '--systems',
      'warren',
      '--seconds',
      '1',
      '--rounds',
      '1',
      '--rate',
      '50',
      '--people',
      '5',
      '--warm-up',
      '100',
      '--json',
    ];
    const bench = run(process.execPath, [main, ...argv]);
    const { stdout } = await bench;
    const { rows } = JSON.parse(stdout) as { rows: { system: string; throughput: { median: number } }[] };
    expect(rows.map((row) => row.system)).toEqual(['bare', 'warren']);
    for (const row of rows) expect(row.throughput.median).toBeGreaterThan(0);
    expect(await databasesOf(bench.child.pid)).toEqual([]);
  }, 120_000);

  it('shows its help and rejects an unknown system', async () => {
    expect((await run(process.execPath, [main, '--help'])).stdout).toContain('npm run bench');
    await expect(run(process.execPath, [main, '--systems', 'nest'])).rejects.toMatchObject({ code: 2 });
  });
});

async function databasesOf(pid: number | undefined): Promise<string[]> {
  const database = await testDatabase();
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    const { rows } = await client.query<{ datname: string }>(
      'select datname from pg_database where datname like $1',
      [`warren_test_${pid}_%`],
    );
    return rows.map((row) => row.datname);
  } finally {
    await client.end();
    await database.close();
  }
}
