import type { KubernetesObject } from './kubernetes.js';

interface Model {
  validate(this: object): void;
}

type Kind = (new (data: object) => Model) & { prototype: Model };

/**
 * What the Kubernetes OpenAPI schemas have against an object, unknown fields included. They don't close their
 * objects themselves, though a typing error in a field's name is the likeliest of all mistakes: so whatever the
 * validator never looked at is a problem as well.
 */
export async function kubernetesProblems(object: KubernetesObject): Promise<string[]> {
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
  try {
    const models = (await import(`kubernetes-models/${apiVersion}`)) as Record<string, unknown>;
    return models[kind] as Kind | undefined;
  } catch {
    return undefined;
  }
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
