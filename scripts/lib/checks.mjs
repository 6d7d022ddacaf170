import { staleFiles } from '../generate/index.mjs';
import { build } from './prepare.mjs';
import { run } from './run.mjs';
import { bin, root, say } from './workspace.mjs';

/** Runs the type check (which compiles), the linter and the check of generated files, and prints their problems. Returns `{ name, passed }` of each. */
export async function checks() {
  say('type check and lint …');
  const results = [
    { name: 'type check', passed: await typeCheckPasses() },
    {
      name: 'lint and format',
      passed: (await run(bin('biome'), ['ci', colours(), '.'], { cwd: root, quiet: true })) === 0,
    },
    { name: 'generated files', passed: await generatedFilesAreCurrent() },
  ];
  for (const { name, passed } of results) say(`${name}: ${passed ? 'passed' : 'FAILED'}`);
  return results;
}

async function typeCheckPasses() {
  if ((await build()) !== 0) return false;
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
