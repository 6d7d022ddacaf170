import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { dirname, join } from 'node:path';
import type { Environment } from '@warren/service-kit';
import type { HostedService } from './services.js';

/** The environment of one service: this program's own, with the settings that differ between services. */
export function serviceEnvironment(
  service: HostedService,
  ports: ReadonlyMap<string, number>,
  databaseUrl: string,
  env: Environment & { readonly HOST: string },
): Environment {
  const port = ports.get(service.name) ?? 0;
  return {
    LOG_LEVEL: 'warn',
    // No other instance could take over the sockets.
    DRAIN_SECONDS: '0',
    ...env,
    PORT: String(port),
    // A port that the system chose may have no room for another one 1000 above it.
    INTERNAL_PORT: port + 1000 > 32_767 ? '0' : String(port + 1000),
    DATABASE_URL: databaseUrl,
    DATABASE_URL_FILE: undefined,
    // The role in DATABASE_URL creates the databases here, so it owns them.
    MIGRATE_DATABASE_URL: undefined,
    MIGRATE_DATABASE_URL_FILE: undefined,
    USER_SERVICE_URL: urlOn(env.HOST, ports.get('user'), '127.0.0.1'),
  };
}

const everyAddress = new Set(['0.0.0.0', '::']);

/** The URL at which this machine reaches a listener on `host`. `local` is the name to use for this machine. */
export function urlOn(host: string, port: number | undefined, local: 'localhost' | '127.0.0.1'): string {
  const name = everyAddress.has(host) || host === '127.0.0.1' ? local : isIPv6(host) ? `[${host}]` : host;
  return `http://${name}:${port}`;
}

/** Settings that all embedded services share unless the environment sets them; kept in the data folder. */
export async function localSettings(dataDir: string): Promise<Environment> {
  return {
    SIGNING_KEY_SECRET: await secretIn(join(dataDir, 'signing-key-secret')),
    MAIL_DIR: join(dataDir, 'mail'),
  };
}

/**
 * Reads the secret, which the first start creates; only its owner may read the file. The file gets its name once it is
 * complete, so a crash leaves no empty secret, and two programs that start at once read the same one.
 */
async function secretIn(file: string): Promise<string> {
  await mkdir(dirname(file), { recursive: true });
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    await writeFile(draft, `${randomBytes(32).toString('base64url')}\n`, { flag: 'wx', mode: 0o600 });
    await link(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(draft, { force: true });
  }
  return (await readFile(file, 'utf8')).trim();
}
