const booleans: Readonly<Record<string, boolean>> = { true: true, on: true, false: false, off: false };

/**
 * Reads text from outside (an environment variable, a query parameter) as the JSON Schema type that it stands
 * for. What can't be read stays a string, for the schema to refuse.
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
