import { staleFiles } from '../generate/index.mjs';
import { build } from './prepare.mjs';
import { run } from './run.mjs';
import { bin, root, say } from './workspace.mjs';

/** Compiles everything, and prints the problems. Returns whether there were none. */
export async function compile() {
  say('compiling …');
  return (await build()) === 0;
}

/**
 * Runs the type check of tests, the linter and the check of generated files, and prints their problems. `compiled` is the
 * result of `compile`, to which the type check belongs. Returns `{ name, passed }` of each.
 */
export async function checks(compiled) {
  say('type check and lint …');
  const results = [
    { name: 'type check', passed: compiled && (await testsHaveNoTypeErrors()) },
    {
      name: 'lint and format',
      passed: (await run(bin('biome'), ['ci', colours(), '.'], { cwd: root, quiet: true })) === 0,
    },
    { name: 'generated files', passed: await generatedFilesAreCurrent() },
  ];
  for (const { name, passed } of results) say(`${name}: ${passed ? 'passed' : 'FAILED'}`);
  return results;
}

async function testsHaveNoTypeErrors() {
  return (await run(bin('tsc'), ['-p', 'tsconfig.tests.json'], { cwd: root, quiet: true })) === 0;
}

async function generatedFilesAreCurrent() {
  const stale = [...(await staleFiles()).keys()];
  for (const file of stale) say(`${file} is out of date: npm run generate`);
  return stale.length === 0;
}

/** The linter's output goes through a pipe, so that it can't detect a terminal itself. */
function colours() {
  return `--colors=${process.stderr.isTTY ? 'force' : 'off'}`;
}
