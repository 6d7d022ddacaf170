// Everything the root's npm scripts do. Needs Node and npm only; what else it needs it installs and builds first.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { prepare } from './lib/prepare.mjs';
import { run } from './lib/run.mjs';
import { bin, Failure, root, say } from './lib/workspace.mjs';

const help = `Warren

  npm start [-- --help]             the services on this machine, see \`npm start -- --help\`
  npm run service -- <name>         one service alone, configured by its environment
  npm test [-- <jest arguments>]    type check, lint and all tests, on real servers that it finds or brings
  npm run test:full                 the same with the tests that take long
  npm run build                     compile
  npm run check                     type check, lint, and whether generated files are up to date
  npm run generate                  write the files that follow from the services and the import rules
  npm run format                    format, and fix what the linter can fix
  npm run warren -- <arguments>     dead letters, outbox, queues and replays of a running system
  npm run secrets [-- <folder>]     passwords for docker compose, in ./.secrets
  npm run images [-- <options>]     the services' images, and k8s/overlays/local, which names them, for a cluster:
                                    [--kind <cluster>] [--minikube <profile>] [--registry <host/folder> [--push]]
                                    [--base <overlay>, default quickstart] [--overlay <name>, default local]
  npm run compose-story             docker compose up, the README's story, down again
  npm run bench [-- <arguments>]    benchmarks
  npm run chaos [-- <arguments>]    breaks a running system in every way and checks that nothing is lost
  npm run mutations                 takes one guard out at a time and shows which tests notice
`;

const commands = {
  async start(...args) {
    await prepare({ project: 'services/all-in-one' });
    await become('services/all-in-one/dist/main.js', args);
  },

  async service(name, ...args) {
    if (!services().includes(name)) {
      throw new Failure(`which service? npm run service -- ${services().join('|')}`);
    }
    await prepare({ project: `services/${name}` });
    await become(`services/${name}/dist/main.js`, args);
  },

  async test(...args) {
    await prepare();
    const { runTests } = await import('./lib/test.mjs');
    process.exitCode = await runTests(args);
  },

  async build() {
    await prepare({ project: '.' });
  },

  async check() {
    await prepare();
    const { checks } = await import('./lib/checks.mjs');
    const results = await checks();
    process.exitCode = results.every(({ passed }) => passed) ? 0 : 1;
  },

  async generate() {
    const { generate } = await import('./lib/generate.mjs');
    for (const file of await generate()) say(`wrote ${file}`);
  },

  async format() {
    await prepare({ generated: false });
    process.exitCode = await run(bin('biome'), ['check', '--write', '.'], { cwd: root });
  },

  async warren(...args) {
    await prepare({ project: 'packages/cli' });
    await become('packages/cli/dist/main.js', args);
  },

  async secrets(...args) {
    const { makeSecrets, printDigest } = await import('./lib/secrets.mjs');
    if (args[0] === '--digest') await printDigest(args[1]);
    else await makeSecrets(args[0] ?? '.secrets');
  },

  async images(...args) {
    const { buildImages } = await import('./lib/images.mjs');
    process.exitCode = await buildImages(args);
  },

  async 'compose-story'(...args) {
    await prepare();
    const { playComposeStory } = await import('./lib/test.mjs');
    process.exitCode = await playComposeStory(args);
  },

  async bench(...args) {
    await prepare({ project: 'packages/bench' });
    await become('packages/bench/dist/main.js', args);
  },

  async mutations(...args) {
    await prepare({ project: 'packages/testing' });
    const { runMutations } = await import('./mutations/run.mjs');
    process.exitCode = await runMutations(args);
  },

  async chaos(...args) {
    await prepare({ project: '.' });
    await become('packages/chaos/dist/main.js', args);
  },
};

/** The program runs in this very process, so that signals reach it and its exit code is ours. */
async function become(file, args) {
  const path = join(root, file);
  process.argv.splice(1, process.argv.length, path, ...args);
  await import(pathToFileURL(path));
}

function services() {
  return readdirSync(join(root, 'services')).filter(
    (name) => name !== 'all-in-one' && existsSync(join(root, 'services', name, 'src/main.ts')),
  );
}

const [name = '--help', ...args] = process.argv.slice(2);
const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
if (!command) {
  const asked = ['--help', '-h', 'help'].includes(name);
  (asked ? process.stdout : process.stderr).write(asked ? help : `warren: there is no "${name}"\n\n${help}`);
  process.exitCode = asked ? 0 : 2;
} else {
  await command(...args).catch((error) => {
    if (!(error instanceof Failure || error.exitCode)) throw error;
    process.stderr.write(`warren: ${error.message}\n`);
    process.exitCode = error.exitCode ?? 1;
  });
}
