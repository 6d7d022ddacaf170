import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '../..');

export const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** The path of a program from the workspace's dependencies. */
export const bin = (name) => join(root, 'node_modules/.bin', name);

/** Writes progress to stderr. Results go to stdout. */
export const say = (line) => process.stderr.write(`warren: ${line}\n`);

/** An expected failure. Only its message is shown, without a stack. */
export class Failure extends Error {}
