import { identityOf } from '@warren/local-postgres';
import { type ContainerRuntimeClient, getContainerRuntimeClient, ImageName } from 'testcontainers';
import { brief, NotHere } from './started.js';

const pullWithinMs = 90_000;
/** Marks our containers with the process that will stop them. */
export const ownerLabel = 'warren.test.owner';

export async function ownerOfContainers(): Promise<string> {
  return (await identityOf(process.pid)) ?? String(process.pid);
}

/**
 * The Docker engine, made ready for testcontainers. Throws `NotHere` where none answers. Where the image of
 * testcontainers' own reaper can't be had, does its work: removes containers whose owner is dead.
 */
export function engine(): Promise<ContainerRuntimeClient> {
  found ??= find(); // Once a process: several servers ask at the same time, and looking takes seconds.
  return found;
}

let found: Promise<ContainerRuntimeClient> | undefined;

async function find(): Promise<ContainerRuntimeClient> {
  const client = await within(30_000, getContainerRuntimeClient()).catch(() => {
    throw new NotHere('no Docker engine answers');
  });
  const { REAPER_IMAGE } = await import('testcontainers/build/reaper/reaper.js');
  if (!(await canHave(client, REAPER_IMAGE))) process.env.TESTCONTAINERS_RYUK_DISABLED = 'true';
  await sweep(client);
  return client;
}

/** Resolves once the engine has the image. Throws `NotHere` where it can't be pulled in time. */
export async function requireImage(client: ContainerRuntimeClient, image: string): Promise<void> {
  const name = ImageName.fromString(image);
  if (await client.image.exists(name)) return;
  const failure = await within(pullWithinMs, client.image.pull(name)).then(() => 'not found', brief);
  // A pull also ends quietly when the registry breaks it off.
  if (await client.image.exists(name)) return;
  throw new NotHere(`Docker answers, but the image ${image} can't be had (${failure})`);
}

async function canHave(client: ContainerRuntimeClient, image: string): Promise<boolean> {
  return requireImage(client, image).then(
    () => true,
    () => false,
  );
}

async function sweep(client: ContainerRuntimeClient): Promise<void> {
  for (const { Id, Labels } of await client.container.list()) {
    const owner = Labels[ownerLabel];
    if (!owner || owner === (await identityOf(Number.parseInt(owner, 10)))) continue;
    const container = client.container.getById(Id);
    await client.container.stop(container, { timeout: 0 });
    await client.container.remove(container, { removeVolumes: true });
  }
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms / 1000} s`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
