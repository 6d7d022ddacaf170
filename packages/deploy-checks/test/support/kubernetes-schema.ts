import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { KubernetesObject } from './kubernetes.js';

interface Model {
  validate(this: object): void;
}

type Kind = (new (data: object) => Model) & { prototype: Model };

const exported = groupVersions();

/** API groups and versions with a schema: `./v1`, `./apps/v1`. */
function groupVersions(): ReadonlySet<string> {
  const file = createRequire(import.meta.url).resolve('kubernetes-models/package.json');
  const { exports } = JSON.parse(readFileSync(file, 'utf8')) as { exports: Record<string, unknown> };
  return new Set(Object.keys(exports));
}

/**
 * Validates objects with the Kubernetes OpenAPI schemas. Returns the problems. The schemas accept unknown fields, but a
 * misspelt field is the most likely mistake, so fields that the validator never reads are problems too.
 */
export async function kubernetesProblems(objects: readonly KubernetesObject[]): Promise<string[]> {
  const problems: string[] = [];
  // One after the other, because Jest fails if the same module is imported twice at once.
  for (const object of objects) problems.push(...(await problemsOf(object)));
  return problems;
}

async function problemsOf(object: KubernetesObject): Promise<string[]> {
  const name = `${object.kind} ${object.metadata?.name}`;
  const kind = await kindOf(object);
  if (!kind) return [`${name}: ${object.apiVersion} has no such kind`];
  const unread = new Set<string>();
  try {
    kind.prototype.validate.call(watch(new kind(object), '', unread));
  } catch (error) {
    return [`${name}: ${(error as Error).message}`];
  }
  return [...unread].map((path) => `${name}: Kubernetes does not know the field ${path}`);
}

async function kindOf({ apiVersion, kind }: KubernetesObject): Promise<Kind | undefined> {
  if (!exported.has(`./${apiVersion}`)) return undefined;
  const models = (await import(`kubernetes-models/${apiVersion}`)) as Record<string, unknown>;
  return models[kind] as Kind | undefined;
}

/** Fills `unread` with the paths of all properties, and removes each path when its property is read. */
function watch<T>(value: T, path: string, unread: Set<string>): T {
  if (typeof value !== 'object' || value === null) return value;
  const children = new Map<string, unknown>();
  for (const [key, item] of Object.entries(value)) {
    if (item === undefined) continue;
    const place = `${path}/${key}`;
    children.set(key, watch(item, place, unread));
    unread.add(place);
  }
  return new Proxy(value, {
    get(target, key) {
      if (typeof key !== 'string' || !children.has(key)) return Reflect.get(target, key);
      unread.delete(`${path}/${key}`);
      return children.get(key);
    },
  });
}
