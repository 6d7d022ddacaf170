import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { NotHere } from './started.js';

/** Where packagers put programs that aren't in everyone's PATH. */
const hidden = ['/usr/lib/rabbitmq/bin', '/usr/sbin', '/usr/local/sbin', '/opt/homebrew/sbin'];

/** The path of an installed program. Throws `NotHere` if there is none. */
export async function installed(name: string): Promise<string> {
  // Debian's rabbitmq-server in /usr/sbin becomes the user rabbitmq, who may not enter our folder; its own is first.
  for (const folder of [...hidden, ...(process.env.PATH ?? '').split(delimiter)]) {
    const file = join(folder, name);
    const found = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return file;
  }
  throw new NotHere(`${name} is not installed`);
}
