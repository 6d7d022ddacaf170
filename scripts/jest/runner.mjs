// Jest's test runner, with one difference: modules are loaded by Node, once in each worker, and not anew for each test
// file. Loading the services, Prisma and their libraries took most of the processor time of most files. So test files
// that run in one process share the state of modules, as they share the process itself. Variables of the environment
// that a test file sets end with it.
import { createRequire, register } from 'node:module';
import { pathToFileURL } from 'node:url';

const require = createRequire(import.meta.url);

/** Where `globals.mjs` finds what the test file that runs now calls. */
const current = Symbol.for('warren.jest');

let registered = false;

/** The interface that Jest's option `testRunner` describes. */
export default async function runner(globalConfig, config, environment, runtime, testPath, sendMessage) {
  if (!registered) {
    const aliases = config.moduleNameMapper.map(([pattern, target]) => ({ pattern, target }));
    register('./hooks.mjs', { parentURL: import.meta.url, data: { aliases } });
    registered = true;
  }
  Error.prepareStackTrace = withPaths;
  const env = { ...process.env };
  try {
    const circus = require('jest-circus/runner').default;
    return await circus(
      globalConfig,
      config,
      environment,
      native(runtime, environment),
      testPath,
      sendMessage,
    );
  } finally {
    restore(process.env, env);
    forgetCircus();
  }
}

/** Of Jest's runtime, only what its runner calls. */
function native(runtime, environment) {
  const nothing = () => undefined;
  return {
    enterTestCode: nothing,
    leaveTestCode: nothing,
    requireInternalModule: (path) => require(path),
    requireModule: (path) => require(path),
    unstable_shouldLoadAsEsm: () => true,
    unstable_importModule: (path) => import(pathToFileURL(path)),
    setGlobalsForRuntime(globals) {
      globalThis[current] = {
        globals,
        mocker: environment.moduleMocker,
        timers: environment.fakeTimersModern,
      };
    },
    resetModules: nothing,
    clearAllMocks: () => runtime.clearAllMocks(),
    resetAllMocks: () => runtime.resetAllMocks(),
    restoreAllMocks: () => runtime.restoreAllMocks(),
  };
}

/** The runner keeps the state of one test file in its module and in symbols of the global object. */
function forgetCircus() {
  for (const path of Object.keys(require.cache)) {
    if (/[\\/]jest-circus[\\/]build[\\/]/.test(path)) delete require.cache[path];
  }
  for (const symbol of Object.getOwnPropertySymbols(globalThis)) {
    if (['EVENT_HANDLERS', 'JEST_STATE_SYMBOL', 'TEST_TIMEOUT_SYMBOL'].includes(symbol.description))
      delete globalThis[symbol];
  }
}

/** Node names modules by URL; Jest shows the source around a path. Positions need no source maps. */
function withPaths(error, frames) {
  const { name = 'Error', message = '' } = error;
  const lines = frames
    .map((frame) => `\n    at ${String(frame).replace('file://', '')}`)
    .filter((line) => !line.includes(import.meta.dirname));
  return `${name}: ${message}${lines.join('')}`;
}

function restore(target, saved) {
  for (const name of Object.keys(target)) if (!(name in saved)) delete target[name];
  Object.assign(target, saved);
}
