import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { installed } from './programs.js';

const run = promisify(execFile);

/** What a broker can be short of. */
export type Shortage = 'memory' | 'disk';

/** Thresholds that no broker meets, and RabbitMQ's own. */
const thresholds: Record<Shortage, { alarmed: string[]; calm: string[] }> = {
  memory: {
    alarmed: ['set_vm_memory_high_watermark', '0'],
    calm: ['set_vm_memory_high_watermark', '0.6'],
  },
  disk: { alarmed: ['set_disk_free_limit', '1000000GB'], calm: ['set_disk_free_limit', '50MB'] },
};

export interface BrokerAlarms {
  /** The broker's own alarm: it stops to read from connections that publish. Ends with a restart too. */
  raise(shortage: Shortage): Promise<void>;
  clear(shortage: Shortage): Promise<void>;
}

/** `env`: the variables with which the broker was started. */
export function brokerAlarms(env: Record<string, string>): BrokerAlarms {
  const set = async (args: string[]) => {
    await run(await installed('rabbitmqctl'), ['-q', ...args], {
      env: { ...process.env, ...env },
      timeout: 60_000,
    });
  };
  return {
    raise: (shortage) => set(thresholds[shortage].alarmed),
    clear: (shortage) => set(thresholds[shortage].calm),
  };
}
