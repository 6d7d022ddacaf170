import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../lib/workspace.mjs';

/** A file of templates/, with `{{name}}` replaced by `values.name`. */
export function fill(template, values) {
  const text = readFileSync(join(import.meta.dirname, 'templates', template), 'utf8');
  return text.replaceAll(/\{\{(\w+)\}\}/g, (_, key) => {
    if (!(key in values)) throw new Error(`${template}: nothing is known of {{${key}}}`);
    return values[key];
  });
}

/** A file of the repository, `undefined` where there is none. */
export function textOf(file, checkout = root) {
  try {
    return readFileSync(join(checkout, file), 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** A text with what stands between the lines `generated:begin <name>` and `generated:end` replaced. */
export function withRegion(text, name, body) {
  const region = new RegExp(`^(.*generated:begin ${name}\\b.*\\n)[\\s\\S]*?^(.*generated:end)`, 'm');
  if (!region.test(text)) throw new Error(`there is no line "generated:begin ${name}"`);
  return text.replace(region, (_, begin, end) => `${begin}${body}${end}`);
}
