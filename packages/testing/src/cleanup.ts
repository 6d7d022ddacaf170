import { withDeadline } from '@warren/timing';

type Closer = () => Promise<unknown>;

const timeoutMs = 30_000;

/** Closes resources in the reverse order of their opening. One that fails or hangs does not prevent the others. */
export class Cleanup {
  readonly #closers: { name: string; close: Closer }[] = [];
  #closing: Promise<Error[]> | undefined;

  /** Closes something later. The name appears in the message if that fails. */
  defer(name: string, close: Closer): void {
    this.#closers.push({ name, close });
  }

  /** Closes `resource` later and returns it. */
  add<T extends { close(): Promise<unknown> }>(name: string, resource: T): T {
    this.defer(name, () => resource.close());
    return resource;
  }

  /** Closes everything, each within 30 s, and returns the failures. Safe to call twice: both calls wait for the same end. */
  run(): Promise<Error[]> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<Error[]> {
    const failures: Error[] = [];
    for (const { name, close } of this.#closers.reverse()) {
      await withDeadline(close(), timeoutMs, `still open after ${timeoutMs / 1_000} s`).catch(
        (cause: unknown) => {
          failures.push(new Error(`could not close ${name}`, { cause }));
        },
      );
    }
    return failures;
  }
}
