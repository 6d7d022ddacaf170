import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { root } from '../lib/workspace.mjs';

const lineWidth = 110;

/**
 * What `tsc -b` compiles, and in which order: the root's tsconfig.json references every package, and each package's
 * references those that its package.json depends on.
 */
export function tsconfig(checkout = root) {
  const folders = ['packages', 'services']
    .flatMap((group) =>
      readdirSync(join(checkout, group)).flatMap((name) => [`${group}/${name}`, `${group}/${name}/contract`]),
    )
    .filter((folder) => existsSync(join(checkout, folder, 'tsconfig.json')))
    .sort();
  const folderOf = new Map(folders.map((folder) => [packageJson(checkout, folder).name, folder]));
  const files = folders.map((folder) => {
    const dependencies = Object.keys(packageJson(checkout, folder).dependencies ?? {});
    const paths = dependencies.filter((name) => folderOf.has(name)).map((name) => folderOf.get(name));
    return [`${folder}/tsconfig.json`, withReferences(checkout, folder, paths.sort())];
  });
  const references = folders.map((path) => `    { "path": "${path}" }`);
  return {
    'tsconfig.json': `{\n  "files": [],\n  "references": [\n${references.join(',\n')}\n  ]\n}\n`,
    ...Object.fromEntries(files),
  };
}

function packageJson(checkout, folder) {
  return JSON.parse(readFileSync(join(checkout, folder, 'package.json'), 'utf8'));
}

/** The package's tsconfig.json with these references, as the formatter writes them. */
function withReferences(checkout, folder, paths) {
  const file = join(checkout, folder, 'tsconfig.json');
  const entries = paths.map((path) => `{ "path": "${pathFrom(folder, path)}" }`);
  const line = `  "references": [${entries.join(', ')}]`;
  const lines = `  "references": [\n${entries.map((entry) => `    ${entry}`).join(',\n')}\n  ]`;
  return readFileSync(file, 'utf8').replace(
    / {2}"references": \[[^\]]*\]/,
    line.length <= lineWidth ? line : lines,
  );
}

function pathFrom(folder, path) {
  const found = relative(folder, path);
  return found.startsWith('.') ? found : `./${found}`;
}
