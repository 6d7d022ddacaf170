import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import {
  bindMigrationAwareSqlAdapterFactory,
  type SqlMigrationAwareDriverAdapterFactory,
} from '@prisma/driver-adapter-utils';
import type { SchemaEngine } from '@prisma/schema-engine-wasm/schema_engine_bg';
import * as engineModule from '@prisma/schema-engine-wasm/schema_engine_bg';

/** The types of Node 20 lack this global. */
declare const WebAssembly: {
  instantiate(
    code: Uint8Array,
    imports: Record<string, Record<string, unknown>>,
  ): Promise<{ instance: { exports: Record<string, unknown> } }>;
};

/**
 * Prisma's schema engine as WebAssembly over the pg driver. The native engine would have to be downloaded.
 *
 * Call `free()` on it after use.
 */
export async function openSchemaEngine(
  adapter: SqlMigrationAwareDriverAdapterFactory,
  schema: string,
): Promise<SchemaEngine> {
  await loadWasm();
  const bound = bindMigrationAwareSqlAdapterFactory(adapter);
  return await engineModule.SchemaEngine.new({ datamodels: [['schema.prisma', schema]] }, () => {}, bound);
}

let loading: Promise<void> | undefined;

function loadWasm(): Promise<void> {
  loading ??= instantiate();
  return loading;
}

/** The entry of the package imports the `.wasm` file as a module, which Node can't do. */
async function instantiate(): Promise<void> {
  const entry = createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm/schema_engine_bg');
  const wasm = await readFile(entry.replace(/\.js$/, '.wasm'));
  const { instance } = await WebAssembly.instantiate(wasm, { './schema_engine_bg.js': importsOfWasm() });
  engineModule.__wbg_set_wasm(instance.exports);
  const start = instance.exports.__wbindgen_start;
  if (typeof start === 'function') start();
}

/** The engine never clears its 10 s timers, so they must not keep the process alive. */
function importsOfWasm(): Record<string, unknown> {
  const setTimer = (callback: () => void, ms: number) => setTimeout(callback, ms).unref();
  return Object.fromEntries(
    Object.entries(engineModule).map(([name, value]) =>
      name.startsWith('__wbg_setTimeout_') ? [name, setTimer] : [name, value],
    ),
  );
}
