import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { findServices } from '../src/services.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'warren-services-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function write(name: string, manifest: object, main: string): Promise<void> {
  await mkdir(join(folder, name, 'dist'), { recursive: true });
  await writeFile(join(folder, name, 'package.json'), JSON.stringify({ type: 'module', ...manifest }));
  await writeFile(join(folder, name, 'dist/main.js'), main);
}

const definition = (name: string, port: number) =>
  `export const it = {
    contract: { service: '${name}' }, port: ${port}, events: [{ type: 'user.registered' }], doors() {}
  };`;

describe('findServices', () => {
  it('finds the folders whose package.json has a warren field, in the order of their ports', async () => {
    await write('a-late-one', { warren: {} }, definition('a-late-one', 4009));
    await write('first', { warren: { paths: ['/first'] } }, definition('first', 4001));
    await write('library', {}, 'throw new Error("must not be loaded");');
    const found = await findServices(folder);
    expect(found).toMatchObject([
      { name: 'first', portVariable: 'FIRST_PORT', database: 'warren_first', consumes: ['user.registered'] },
      { name: 'a-late-one', portVariable: 'A_LATE_ONE_PORT', defaultPort: 4009 },
    ]);
  });

  it('rejects if a service exports no definition', async () => {
    await write('empty', { warren: {} }, 'export const nothing = 1;');
    await expect(findServices(folder)).rejects.toThrow('exports no service definition');
  });
});
