import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Environment } from '@warren/service-kit';

/** What everything embedded shares unless the environment says otherwise, kept beside its data. */
export async function localSettings(dataDir: string): Promise<Environment> {
  return {
    SIGNING_KEY_SECRET: await secretIn(join(dataDir, 'signing-key-secret')),
    MAIL_DIR: join(dataDir, 'mail'),
  };
}

/**
 * Made at the first start, readable for its owner only. It gets its name when it is whole: a crash between leaves no
 * empty secret, and of two that start at once both read the same.
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
