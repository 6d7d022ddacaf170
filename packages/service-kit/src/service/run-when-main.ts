import type { RawClient } from '@warren/unit-of-work';
import type { TObject } from 'typebox';
import type { ServiceClient, ServiceDefinition } from '../definition.js';

/** Runs the service if `meta` is the program's own module, until SIGTERM or SIGINT. */
export async function runWhenMain<
  Config extends TObject,
  Db extends RawClient,
  Client extends ServiceClient<Db>,
>(meta: ImportMeta, definition: ServiceDefinition<Config, Db, Client>): Promise<void> {
  throw new Error(`not yet: ${definition.name} ${meta.url}`);
}
