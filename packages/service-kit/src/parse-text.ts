const booleans: Readonly<Record<string, boolean>> = { true: true, on: true, false: false, off: false };

/**
 * Parses an environment variable or a query parameter as a value of this JSON Schema type. Text that can't be parsed is
 * returned as it is, so that the schema refuses it.
 */
export function parseText(raw: string, type: unknown): unknown {
  if (type === 'integer' || type === 'number') return /^-?\d+(\.\d+)?$/.test(raw.trim()) ? Number(raw) : raw;
  if (type === 'boolean') return booleans[raw.trim().toLowerCase()] ?? raw;
  if (type === 'array')
    return raw
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '');
  return raw;
}
