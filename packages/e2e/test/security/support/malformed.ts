import fc from 'fast-check';
import type { Schema } from './open-api.js';

/** Text that often breaks software: injections, control characters, unpaired surrogates, long text. */
const nastyText = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    '\u0000',
    '\ud800',
    '\u202e',
    "'; DROP TABLE users; --",
    '{{7*7}}',
    '../../etc/passwd',
    '%00',
    '%s%n',
    '__proto__',
    'constructor',
    'true',
    'null',
    '-1',
    '1e999',
    'NaN',
    '\r\nX-Injected: 1',
    'a'.repeat(10_000),
  ),
  fc.string({ unit: 'binary', maxLength: 60 }),
);

const nastyNumber = fc.constantFrom(0, -0, -1, 0.5, 1e15, -1e15, 2 ** 53, 1e308, 5e-324);

/** One time in ten. */
export function seldom<T, O>(arbitrary: fc.Arbitrary<T>, otherwise: O): fc.Arbitrary<T | O> {
  return fc.oneof({ weight: 1, arbitrary }, { weight: 9, arbitrary: fc.constant(otherwise) });
}

/** JSON values, most of them small and unusual. */
export const nastyValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: nastyText },
  { weight: 2, arbitrary: nastyNumber },
  { weight: 2, arbitrary: fc.constantFrom(null, true, false, [], {}, [[]], { length: -1 }, [null]) },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 4 }) },
  {
    weight: 1,
    arbitrary: fc.constant(JSON.parse('{"__proto__":{"admin":true},"constructor":{"prototype":{}}}')),
  },
);

/** Values that resemble the schema, but most of them violate it somewhere. */
export function malformed(schema: Schema, depth = 0): fc.Arbitrary<unknown> {
  if (depth > 5) return nastyValue;
  return fc.oneof({ weight: 3, arbitrary: shaped(schema, depth) }, { weight: 1, arbitrary: nastyValue });
}

function shaped(schema: Schema, depth: number): fc.Arbitrary<unknown> {
  const options = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(options)) return fc.oneof(...options.map((each: Schema) => malformed(each, depth + 1)));
  if (Array.isArray(schema.enum)) return fc.constantFrom(...(schema.enum as unknown[]));
  if (schema.const !== undefined) return fc.constant(schema.const);
  switch (schema.type) {
    case 'object':
      return shapedObject(schema, depth);
    case 'array':
      return fc.array(malformed((schema.items ?? {}) as Schema, depth + 1), { maxLength: 5 });
    case 'integer':
    case 'number':
      return fc.oneof(fc.integer({ min: 1, max: 100_000 }), nastyNumber);
    case 'boolean':
      return fc.boolean();
    case 'string':
      return shapedText(schema);
    default:
      return nastyValue;
  }
}

function shapedObject(schema: Schema, depth: number): fc.Arbitrary<unknown> {
  const properties = (schema.properties ?? {}) as Record<string, Schema>;
  const required = new Set((schema.required ?? []) as string[]);
  const parts: Record<string, fc.Arbitrary<unknown>> = {};
  for (const [name, property] of Object.entries(properties)) {
    const present = malformed(property, depth + 1);
    const mostly = required.has(name) ? 9 : 1;
    parts[name] = fc.oneof(
      { weight: mostly, arbitrary: present },
      { weight: 1, arbitrary: fc.constant(absent) },
    );
  }
  const more = seldom(fc.tuple(nastyText, nastyValue), undefined);
  return fc.tuple(fc.record(parts), more).map(([known, extra]) => {
    const kept = Object.entries(known).filter(([, value]) => value !== absent);
    return Object.fromEntries(extra ? [...kept, extra] : kept);
  });
}

const absent = Symbol('absent');

function shapedText({ format, pattern }: Schema): fc.Arbitrary<string> {
  const likely: fc.Arbitrary<string>[] = [nastyText];
  if (format === 'uuid') likely.push(fc.uuid(), fc.uuid());
  if (format === 'email') likely.push(fc.emailAddress());
  if (format === 'date-time') likely.push(fc.date({ noInvalidDate: true }).map((date) => date.toISOString()));
  if (pattern === '^[A-Z]{3}$') likely.push(fc.constantFrom('EUR', 'JPY', 'XXX'));
  return fc.oneof(...likely);
}
