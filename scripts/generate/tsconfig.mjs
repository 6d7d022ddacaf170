import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../lib/workspace.mjs';

/** The root's tsconfig.json: what `tsc -b` compiles. */
export function tsconfig(checkout = root) {
  const folders = ['packages', 'services'].flatMap((group) =>
    readdirSync(join(checkout, group)).flatMap((name) => [`${group}/${name}`, `${group}/${name}/contract`]),
  );
  const references = folders
    .filter((folder) => existsSync(join(checkout, folder, 'tsconfig.json')))
    .sort()
    .map((path) => `    { "path": "${path}" }`);
  return {
    'tsconfig.json': `{\n  "files": [],\n  "references": [\n${references.join(',\n')}\n  ]\n}\n`,
  };
}
