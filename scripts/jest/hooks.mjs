// Node's loader hooks for tests: resolve the workspace's packages to their sources, and strip types from TypeScript.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { transformSync } from '@swc/wasm-typescript';

const globals = new URL('./globals.mjs', import.meta.url).href;
let aliases = [];

export function initialize(data) {
  aliases = data.aliases.map(({ pattern, target }) => ({ pattern: new RegExp(pattern), target }));
}

export async function resolve(specifier, context, next) {
  if (specifier === '@jest/globals') return { url: globals, shortCircuit: true };
  for (const { pattern, target } of aliases) {
    const match = pattern.exec(specifier);
    if (match) {
      const path = target.replace(/\$(\d)/g, (_, group) => match[Number(group)]);
      return { url: pathToFileURL(path).href, shortCircuit: true };
    }
  }
  // TypeScript imports `./file.ts` as `./file.js`.
  if (/^\.{1,2}\/.*\.js$/.test(specifier) && context.parentURL?.endsWith('.ts')) {
    const url = new URL(`${specifier.slice(0, -2)}ts`, context.parentURL);
    if (existsSync(url)) return { url: url.href, shortCircuit: true };
  }
  return next(specifier, context);
}

export async function load(url, context, next) {
  if (!url.startsWith('file:') || !url.endsWith('.ts')) return next(url, context);
  // Types become white space, so positions in stack traces are those of the source.
  const options = { mode: 'strip-only', module: true, filename: fileURLToPath(url) };
  const { code } = transformSync(await readFile(new URL(url), 'utf8'), options);
  return { format: 'module', source: code, shortCircuit: true };
}
