import { listens } from '../addresses.js';
import { freePort, startProcess } from './private-process.js';
import { installed } from './programs.js';
import type { Started } from './started.js';
import type { Workshop } from './workshop.js';

export async function startRedisProcess(workshop: Workshop): Promise<Started> {
  const file = await installed('redis-server');
  const port = await freePort();
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const redis = await startProcess(workshop, { name: 'redis', file, args }, async () => {
    if (!(await listens('127.0.0.1', port))) throw new Error('it does not listen');
  });
  return {
    what: `Redis, a private process (${file})`,
    env: { WARREN_TEST_REDIS_URL: `redis://127.0.0.1:${port}` },
    stop: redis.stop,
  };
}
