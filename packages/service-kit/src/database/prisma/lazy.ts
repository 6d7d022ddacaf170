/** Like Prisma's own promises: begins when somebody waits for it, and only once. */
export function lazy<T>(start: () => Promise<T>): Promise<T> {
  let started: Promise<T> | undefined;
  const run = () => {
    started ??= start();
    return started;
  };
  return {
    // biome-ignore lint/suspicious/noThenProperty: being waited for is all that it is for
    then: (fulfilled, rejected) => run().then(fulfilled, rejected),
    catch: (rejected) => run().catch(rejected),
    finally: (settled) => run().finally(settled),
    [Symbol.toStringTag]: 'PrismaPromise',
  };
}
