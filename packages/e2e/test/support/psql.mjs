// The parts of psql that the database's start script uses, for machines without psql: runs the statements on stdin with
// the variables of `--set`. The PG… variables name the server.
import { readFileSync } from 'node:fs';
import pg from 'pg';

const variables = new Map();
for (const [index, argument] of process.argv.entries()) {
  if (argument !== '--set') continue;
  const [name, ...value] = (process.argv[index + 1] ?? '').split('=');
  variables.set(name, value.join('='));
}

const client = new pg.Client();
await client.connect();
const sql = readFileSync(0, 'utf8').replaceAll(/:(["'])(\w+)\1/g, (_, quote, name) => {
  const value = variables.get(name);
  if (value === undefined) throw new Error(`no variable ${name}`);
  return quote === '"' ? client.escapeIdentifier(value) : client.escapeLiteral(value);
});
// One at a time: several statements at once are a transaction, in which no database can be created.
for (const statement of sql.split(/;\s*$/m).filter((text) => text.trim())) await client.query(statement);
await client.end();
