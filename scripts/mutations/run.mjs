// Removes one guard at a time in a copy of this checkout, and shows which tests fail.
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { run } from '../lib/run.mjs';
import { bringUp } from '../lib/servers.mjs';
import { Failure, root, say } from '../lib/workspace.mjs';
import { mutations } from './list.mjs';

const help = `npm run mutations -- [options]

Removes one guard at a time in a copy of the last commit, and runs the tests that must then fail.

  --only TEXT   only guards whose description contains TEXT
  --write       write the result to docs/mutations.md
  --help        print this help
`;
const timeoutMs = 180_000;
/** For the run of all these tests without a mutation. */
const allTimeoutMs = 1_200_000;

/** Returns the exit code: 0 if a test fails under every mutation, and all of them pass without one. */
export async function runMutations(args) {
  const options = { only: { type: 'string' }, write: { type: 'boolean' }, help: { type: 'boolean' } };
  const { values } = parseArgs({ args, options });
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  const chosen = mutations.filter(({ guard }) => guard.includes(values.only ?? ''));
  if (chosen.length === 0) throw new Failure(`no guard's description contains "${values.only}"`);

  const copy = await mkdtemp(join(tmpdir(), 'warren-mutations-'));
  const servers = await bringUp();
  try {
    await makeCopy(copy);
    await requirePass(copy, servers.env, chosen);
    const results = [];
    for (const mutation of chosen) {
      const noticed = await tryMutation(copy, servers.env, mutation);
      say(`${noticed.length > 0 ? 'noticed' : 'NOT NOTICED'}: ${mutation.guard}`);
      results.push({ ...mutation, noticed });
    }
    const table = asTable(results);
    if (values.write) await writeFile(join(root, 'docs/mutations.md'), table);
    else process.stdout.write(table);
    return results.every(({ noticed }) => noticed.length > 0) ? 0 : 1;
  } finally {
    await servers.stop();
    // Processes of a run that was killed may still write for a moment.
    await rm(copy, { recursive: true, force: true, maxRetries: 10, retryDelay: 500 });
  }
}

async function makeCopy(copy) {
  if (execFileSync('git', ['status', '--porcelain'], { cwd: root }).length > 0) {
    say('uncommitted changes are not included');
  }
  execFileSync('git', ['clone', '--quiet', '--shared', root, copy]);
  say('preparing a copy …');
  const code = await run(process.execPath, ['scripts/warren.mjs', 'build'], { cwd: copy, quiet: true });
  if (code !== 0) throw new Failure('the copy could not be built, see above');
}

async function requirePass(copy, env, chosen) {
  say('running the tests without any mutation …');
  const files = [...new Set(chosen.flatMap(({ tests }) => tests))];
  const { passed, failures } = await jest(copy, env, files, allTimeoutMs);
  if (failures.length > 0 || passed === 0) {
    throw new Failure(`these fail without a mutation:\n${failures.join('\n') || files.join('\n')}`);
  }
}

/** Applies a mutation, and returns the titles of the tests that fail. */
async function tryMutation(copy, env, { file, tests, and, ...first }) {
  const path = join(copy, file);
  const original = await readFile(path, 'utf8');
  const mutated = [first, ...(and ? [and] : [])].reduce((text, edit) => edited(text, edit, file), original);
  await writeFile(path, mutated);
  try {
    return (await jest(copy, env, tests)).failures;
  } finally {
    await writeFile(path, original);
  }
}

function edited(text, { from, to }, file) {
  const parts = text.split(from);
  if (parts.length !== 2) throw new Failure(`${file} contains this ${parts.length - 1} times:\n${from}`);
  return parts.join(to);
}

/** A run that hangs counts as a failure: it is killed after the timeout. */
async function jest(copy, servers, tests, timeout = timeoutMs) {
  const outputFile = join(copy, '.cache/mutation.json');
  await rm(outputFile, { force: true });
  // Without templates, so that each run migrates with the code that it tests.
  const env = { ...process.env, ...servers, WARREN_TEST_TEMPLATES: '' };
  const args = [
    'node_modules/jest/bin/jest.js',
    '--forceExit',
    '--json',
    '--outputFile',
    outputFile,
    ...tests,
  ];
  await run(process.execPath, args, { cwd: copy, env, silent: true, timeout });
  const text = await readFile(outputFile, 'utf8').catch(() => undefined);
  if (!text) return { passed: 0, failures: [`${tests.join(', ')}: did not end within ${timeout / 1_000} s`] };
  const { numPassedTests, testResults } = JSON.parse(text);
  const failures = testResults.flatMap(({ assertionResults, message, name }) => {
    const failed = assertionResults
      .filter(({ status }) => status === 'failed')
      .map(({ fullName }) => fullName);
    return failed.length > 0 || !message || assertionResults.length > 0 ? failed : [`${name} could not run`];
  });
  return { passed: numPassedTests, failures };
}

function asTable(results) {
  const rows = results.map(({ guard, file, noticed }) => {
    const [first = '**nobody**', ...others] = noticed;
    const more = others.length > 0 ? ` and ${others.length} more` : '';
    return `| ${cell(guard)} | [${file.split('/').at(-1)}](../${file}) | ${cell(first)}${more} |`;
  });
  return `# Mutations

Each row is a guard that was removed from the code, by itself, and the test that failed without it. \`npm run mutations\`
tries all of them again, and \`npm run mutations -- --write\` also writes this page. The edits are in
\`scripts/mutations/list.mjs\`.

| guard | in | noticed by |
| --- | --- | --- |
${rows.join('\n')}
`;
}

const cell = (text) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
