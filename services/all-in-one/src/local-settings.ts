import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Environment } from '@warren/service-kit';

/** What everything embedded shares unless the environment says otherwise, kept beside its data. */
export async function localSettings(dataDir: string): Promise<Environment> {
  return {
    SIGNING_KEY_SECRET: await secretIn(join(dataDir, 'signing-key-secret')),
    MAIL_DIR: join(dataDir, 'mail'),
  };
}

/** Made at the first start, readable for its owner only. */
async function secretIn(file: string): Promise<string> {
  await mkdir(join(file, '..'), { recursive: true });
  try {
    await writeFile(file, `${randomBytes(32).toString('base64url')}\n`, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return (await readFile(file, 'utf8')).trim();
}
