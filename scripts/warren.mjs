// Implements the npm scripts of the root. Needs only Node and npm: it installs and builds everything else first.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { prepare } from './lib/prepare.mjs';
import { run } from './lib/run.mjs';
import { serviceNames } from './lib/services.mjs';
import { bin, Failure, root, say } from './lib/workspace.mjs';

const help = `Warren

  npm start [-- --help]             start all services on this machine
  npm run service -- <name>         start one service, configured by its environment
  npm test [-- <jest arguments>]    run type check, lint and all tests, with real servers that it finds or starts
  npm run test:full                 the same, including the slow tests
  npm run build                     compile everything
  npm run check                     type check, lint, and whether generated files are up to date
  npm run generate                  write the files that follow from the services and the import rules
  npm run format                    format the code, and apply the linter's fixes
  npm run warren -- <arguments>     inspect and repair dead letters, outboxes, queues and replays
  npm run broker-definitions [-- <prefix>]
                                    print users and permissions for a broker, for services with this AMQP_PREFIX
  npm run secrets [-- <folder>]     create passwords for docker compose, by default in ./.secrets
  npm run images [-- <options>]     build the services' images for a cluster, and write k8s/overlays/local:
                                    [--kind <cluster>] [--minikube <profile>] [--registry <host/folder> [--push]]
                                    [--base <overlay>, default quickstart] [--overlay <name>, default local]
  npm run compose-story             run the README's story with docker compose
  npm run bench [-- <arguments>]    run benchmarks
  npm run chaos [-- <arguments>]    inject faults into a running system and check that nothing is lost
  npm run mutations                 remove one guard at a time and show which tests fail
`;

const commands = {
  async start(...args) {
    await prepare({ projects: ['services/all-in-one', ...serviceNames().map((name) => `services/${name}`)] });
    await become('services/all-in-one/dist/main.js', args);
  },

  async service(name, ...args) {
    if (!serviceNames().includes(name)) {
      throw new Failure(`usage: npm run service -- ${serviceNames().join('|')}`);
    }
    await prepare({ projects: [`services/${name}`] });
    await become(`services/${name}/dist/main.js`, args);
  },

  async test(...args) {
    await prepare();
    const { runTests } = await import('./lib/test.mjs');
    process.exitCode = await runTests(args);
  },

  async build() {
    await prepare({ projects: ['.'] });
  },

  async check() {
    await prepare();
    const { checks, compile } = await import('./lib/checks.mjs');
    const results = await checks(await compile());
    process.exitCode = results.every(({ passed }) => passed) ? 0 : 1;
  },

  async generate() {
    const { generate } = await import('./generate/index.mjs');
    for (const file of await generate()) say(`wrote ${file}`);
  },

  async 'broker-definitions'(prefix) {
    await prepare({ projects: ['.'] });
    const { brokerDefinitions } = await import('./generate/broker.mjs');
    const { describeServices } = await import('./lib/services.mjs');
    process.stdout.write(await brokerDefinitions(await describeServices(), prefix));
  },

  async format() {
    await prepare({ generated: false });
    process.exitCode = await run(bin('biome'), ['check', '--write', '.'], { cwd: root });
  },

  async warren(...args) {
    await prepare({ projects: ['packages/cli'] });
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
    await prepare({ projects: ['packages/bench'] });
    await become('packages/bench/dist/main.js', args);
  },

  async mutations(...args) {
    await prepare({ projects: ['packages/testing'] });
    const { runMutations } = await import('./mutations/run.mjs');
    process.exitCode = await runMutations(args);
  },

  async chaos(...args) {
    await prepare({ projects: ['.'] });
    await become('packages/chaos/dist/main.js', args);
  },
};

/** Runs the program in this process, so that it receives the signals and determines the exit code. */
async function become(file, args) {
  const path = join(root, file);
  process.argv.splice(1, process.argv.length, path, ...args);
  await import(pathToFileURL(path));
}

const [name = '--help', ...args] = process.argv.slice(2);
const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
if (!command) {
  const asked = ['--help', '-h', 'help'].includes(name);
  (asked ? process.stdout : process.stderr).write(
    asked ? help : `warren: unknown command "${name}"\n\n${help}`,
  );
  process.exitCode = asked ? 0 : 2;
} else {
  await command(...args).catch((error) => {
    if (!(error instanceof Failure || error.exitCode)) throw error;
    process.stderr.write(`warren: ${error.message}\n`);
    process.exitCode = error.exitCode ?? 1;
  });
}
