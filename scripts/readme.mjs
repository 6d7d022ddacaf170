// Writes the README's table of environment variables from the services' schemas. `--check` only compares.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './lib/workspace.mjs';

const load = (file) => import(pathToFileURL(join(root, file)));
const { describeConfig, kitConfigSchema } = await load('packages/service-kit/dist/index.js');
const names = ['user', 'payment', 'notification'];

const rows = describeConfig(kitConfigSchema(0)).map((row) => ({ ...row, who: 'every service' }));
for (const name of names) {
  const service = await load(`services/${name}/dist/main.js`);
  rows.push(...describeConfig(service[name].config).map((row) => ({ ...row, who: name })));
}
const ports = names.map((_, index) => `${4001 + index}`).join(', ');
const table = [
  '| variable | of | default | what |',
  '| --- | --- | --- | --- |',
  ...rows.map(({ name, who, default: value, description }) => {
    const shown = name === 'PORT' ? ports : value === null ? 'required' : value === '' ? '' : `\`${value}\``;
    return `| \`${name}\` | ${who} | ${shown} | ${description.replaceAll('|', '\\|')} |`;
  }),
].join('\n');

const path = join(root, 'README.md');
const page = await readFile(path, 'utf8');
const wanted = page.replace(
  /(<!-- config:begin -->\n)[\s\S]*?(<!-- config:end -->)/,
  (_, begin, end) => `${begin}\n${table}\n\n${end}`,
);
if (!process.argv.includes('--check')) await writeFile(path, wanted);
else if (wanted !== page) {
  process.stderr.write(
    'README.md: the table of variables differs from the schemas; run node scripts/readme.mjs\n',
  );
  process.exitCode = 1;
}
