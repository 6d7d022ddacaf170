import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '../..');

export const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** A program that the workspace's dependencies brought. */
export const bin = (name) => join(root, 'node_modules/.bin', name);

/** Progress goes to stderr: stdout belongs to what was asked for. */
export const say = (line) => process.stderr.write(`warren: ${line}\n`);

/** A failure with a sentence of its own; shown without a stack. */
export class Failure extends Error {}
