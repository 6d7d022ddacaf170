import { identityOf } from '@warren/local-postgres';
import { withDeadline } from '@warren/timing';
import { type ContainerRuntimeClient, getContainerRuntimeClient, ImageName } from 'testcontainers';
import { brief, NotAvailable } from './started-server.js';

const pullTimeoutMs = 90_000;
/** Marks our containers with the process that stops them. */
export const ownerLabel = 'warren.test.owner';

export async function ownerOfContainers(): Promise<string> {
  return (await identityOf(process.pid)) ?? String(process.pid);
}

/**
 * Returns the Docker engine, ready for testcontainers. Throws `NotAvailable` if none answers. Removes containers whose
 * owner is dead, because the image of testcontainers' own reaper may not be available.
 */
export function engine(): Promise<ContainerRuntimeClient> {
  found ??= find(); // Cached: several servers ask at the same time, and the search takes seconds.
  return found;
}

let found: Promise<ContainerRuntimeClient> | undefined;

async function find(): Promise<ContainerRuntimeClient> {
  const client = await withDeadline(getContainerRuntimeClient(), 30_000, 'no answer within 30 s').catch(
    () => {
      throw new NotAvailable('no Docker engine answers');
    },
  );
  const { REAPER_IMAGE } = await import('testcontainers/build/reaper/reaper.js');
  if (!(await hasImage(client, REAPER_IMAGE))) process.env.TESTCONTAINERS_RYUK_DISABLED = 'true';
  await sweep(client);
  return client;
}

/** Resolves once the engine has the image. Throws `NotAvailable` if it cannot be pulled in time. */
export async function requireImage(client: ContainerRuntimeClient, image: string): Promise<void> {
  const name = ImageName.fromString(image);
  if (await client.image.exists(name)) return;
  const pull = withDeadline(
    client.image.pull(name),
    pullTimeoutMs,
    `no answer within ${pullTimeoutMs / 1_000} s`,
  );
  const failure = await pull.then(() => 'not found', brief);
  // A pull that the registry breaks off resolves as well.
  if (await client.image.exists(name)) return;
  throw new NotAvailable(`Docker answers, but the image ${image} cannot be pulled (${failure})`);
}

async function hasImage(client: ContainerRuntimeClient, image: string): Promise<boolean> {
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
