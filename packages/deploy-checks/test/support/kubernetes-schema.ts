import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { KubernetesObject } from './kubernetes.js';

interface Model {
  validate(this: object): void;
}

type Kind = (new (data: object) => Model) & { prototype: Model };

const exported = groupVersions();

/** The API groups and versions that the schemas know: `./v1`, `./apps/v1`. */
function groupVersions(): ReadonlySet<string> {
  const file = createRequire(import.meta.url).resolve('kubernetes-models/package.json');
  const { exports } = JSON.parse(readFileSync(file, 'utf8')) as { exports: Record<string, unknown> };
  return new Set(Object.keys(exports));
}

/**
 * What the Kubernetes OpenAPI schemas have against objects, unknown fields included. They don't close their
 * objects themselves, though a typing error in a field's name is the likeliest of all mistakes: so whatever the
 * validator never looked at is a problem as well.
 */
export async function kubernetesProblems(objects: readonly KubernetesObject[]): Promise<string[]> {
  const problems: string[] = [];
  // One after the other: Jest fails where the same module is imported twice at once.
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
  return [...unread].map((path) => `${name}: ${path} is no field that Kubernetes knows`);
}

async function kindOf({ apiVersion, kind }: KubernetesObject): Promise<Kind | undefined> {
  if (!exported.has(`./${apiVersion}`)) return undefined;
  const models = (await import(`kubernetes-models/${apiVersion}`)) as Record<string, unknown>;
  return models[kind] as Kind | undefined;
}

/** Fills `unread` with the paths of all properties, and takes out again those that are read. */
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
