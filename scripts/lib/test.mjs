// `npm test`: runs the checks and all tests, and prints their counts together.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checks, compile } from './checks.mjs';
import { run } from './run.mjs';
import { bringUp } from './servers.mjs';
import { root, say } from './workspace.mjs';

const jest = join(root, 'node_modules/jest/bin/jest.js');
const full = '--full';

/**
 * Compiles, and then runs the checks beside the tests. Returns the exit code. The last line on stdout is
 * `N passed, N failed, N skipped`.
 */
export async function runTests(args) {
  const began = Date.now();
  const stop = stopSignal();
  const compiled = await compile();
  stop.throwIfAborted();
  const outcomes = await Promise.allSettled([countChecks(compiled), countTests(args, stop)]);
  for (const { status, reason } of outcomes) if (status === 'rejected') throw reason;
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const { value } of outcomes) for (const key of Object.keys(counts)) counts[key] += value[key];
  say(`took ${Math.round((Date.now() - began) / 1000)} s`);
  process.stdout.write(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`);
  return counts.failed === 0 && counts.passed > 0 ? 0 : 1;
}

async function countChecks(compiled) {
  const results = await checks(compiled);
  const passed = results.filter((each) => each.passed).length;
  return { passed, failed: results.length - passed, skipped: 0 };
}

async function countTests(args, stop) {
  const servers = await bringUp().catch((error) => {
    say(`the tests cannot run:\n${error.message}`);
    return undefined;
  });
  if (!servers) return { passed: 0, failed: 1, skipped: 0 };
  try {
    stop.throwIfAborted();
    return await runJest(args, servers.env);
  } finally {
    await servers.stop();
  }
}

/** Needs a Docker engine. Uses the images that `USER_IMAGE` etc. name, or builds them. Returns the exit code. */
export async function playComposeStory(args) {
  const counts = await runJest(['--testMatch', '**/packages/e2e/test/compose.story.ts', ...args], {});
  process.stdout.write(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`);
  return counts.failed === 0 && counts.passed > 0 ? 0 : 1;
}

/** Aborts at the first signal. While a command runs, `run` handles signals; this covers the time between commands. */
function stopSignal() {
  const stop = new AbortController();
  for (const [signal, number] of [
    ['SIGINT', 2],
    ['SIGTERM', 15],
  ]) {
    const reason = Object.assign(new Error(`stopped by ${signal}`), { exitCode: 128 + number });
    // `on` and not `once`, because libraries end the process themselves if theirs is the last listener.
    process.on(signal, () => stop.abort(reason));
  }
  return stop.signal;
}

async function runJest(args, servers) {
  const folder = await mkdtemp(join(tmpdir(), 'warren-jest-'));
  const outputFile = join(folder, 'results.json');
  const env = { ...process.env, ...servers, ...(args.includes(full) && { WARREN_TEST_FULL: '1' }) };
  const rest = args.filter((arg) => arg !== full);
  try {
    const code = await run(process.execPath, [jest, '--json', '--outputFile', outputFile, ...rest], {
      cwd: root,
      env,
    });
    return await countsOf(outputFile, code);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function countsOf(outputFile, code) {
  const text = await readFile(outputFile, 'utf8').catch(() => undefined);
  if (!text) {
    say(`jest ended with exit code ${code} and without results`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
  const results = JSON.parse(text);
  reportSkipped(results);
  const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
  return {
    passed: results.numPassedTests,
    // A run can fail without a failed test, for example if it finds no tests.
    failed: failed === 0 && code !== 0 ? 1 : failed,
    skipped: results.numPendingTests + results.numTodoTests,
  };
}

function reportSkipped(results) {
  for (const { assertionResults } of results.testResults) {
    for (const { status, fullName } of assertionResults) {
      if (status === 'pending' || status === 'todo') say(`skipped: ${fullName}`);
    }
  }
}
