import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { named, unavailable } from '@warren/testing';
import { textOf } from '../src/report.js';
import { run } from '../src/run.js';

/** Its first eight faults are of different kinds: they kill the broker and PostgreSQL and raise both broker alarms. */
const seed = 695;

const missing = unavailable('rabbitmq-process');

(missing ? describe.skip : describe)(named('a short run of chaos', missing), () => {
  it('loses nothing, duplicates nothing and leaves no differences', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'warren-chaos-'));
    const lines: string[] = [];
    const report = await run({
      seed,
      durationMs: 16_000,
      faults: 8,
      actionsPerSecond: 5,
      people: 6,
      settleMs: 90_000,
      folder,
      say: (line) => lines.push(line),
    });
    const output = `${lines.join('\n')}\n${textOf(report)}`;
    if (!report.passed) throw new Error(output); // The folder is kept; the report shows its path.

    expect(report.checks.filter(({ count }) => count > 0)).toEqual([]);
    expect(report.totalFaults).toBe(8);
    expect(Object.keys(report.faults)).toEqual(
      expect.arrayContaining([
        'kill notification',
        'kill-holding payment',
        'kill-postgres',
        'kill-broker',
        'alarm-broker memory',
        'alarm-broker disk',
        'drop broker',
      ]),
    );
    // A run without actions and entries would pass every check.
    expect(report.actions.pay?.accepted).toBeGreaterThan(20);
    expect(report.actions.rename?.accepted).toBeGreaterThan(3);
    expect(report.actions.register?.accepted).toBeGreaterThanOrEqual(6);
    expect(report.entriesSeen).toBeGreaterThan(100);
    expect(report.reconnects).toBeGreaterThan(0);
    expect(await readdir(folder)).toEqual(
      expect.arrayContaining(['plan.json', 'ledger.json', 'clients.json', 'report.json', 'user-0.log']),
    );
    const ledger = JSON.parse(await readFile(join(folder, 'ledger.json'), 'utf8'));
    expect(ledger.faults).toHaveLength(8);
    await rm(folder, { recursive: true, force: true });
  }, 480_000);
});
