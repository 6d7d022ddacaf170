import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root, say } from './workspace.mjs';

/** Finds or starts the servers for tests, and returns `{ env, stop }`. The checkout must be built. */
export async function bringUp() {
  say('looking for RabbitMQ, PostgreSQL and Redis …');
  const file = pathToFileURL(join(root, 'packages/testing/dist/servers/bring-up.js'));
  const module = await import(file);
  return module.bringUp(say);
}
