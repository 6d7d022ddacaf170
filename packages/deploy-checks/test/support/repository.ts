import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('../../../../', import.meta.url);

/** An absolute path from one that is relative to the repository's root. */
export function pathOf(relative: string): string {
  return fileURLToPath(new URL(relative, root));
}

export function textOf(relative: string): string {
  return readFileSync(pathOf(relative), 'utf8');
}
