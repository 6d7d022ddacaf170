import { randomUUID } from 'node:crypto';
import { hash, verify } from '@node-rs/argon2';
import { AppError } from '@warren/contracts';
import { normalizePassword } from '../domain/password.js';

/** OWASP's minimum for argon2id, which is the library's default kind. Memory in KiB. */
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** Each runs on a thread for some 30 ms and takes 19 MiB: few at once, and few waiting. */
const atOnce = 4;
const mostWaiting = 100;

/** `matches-as-typed`: the hash is of a spelling that isn't normalized, and should be replaced. */
export type Match = 'matches' | 'matches-as-typed' | 'differs';

/** Hashes and checks passwords, with bounded work. Throws `service-overloaded` when too many wait. */
export class Passwords {
  readonly #standIn: string;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  private constructor(standIn: string) {
    this.#standIn = standIn;
  }

  static async create(): Promise<Passwords> {
    return new Passwords(await hash(randomUUID(), cost));
  }

  async hash(password: string): Promise<string> {
    return await this.#inTurn(() => hash(normalizePassword(password), cost));
  }

  /**
   * Costs the same whether there is a hash to compare with or not, so that time tells nothing about accounts. A hash
   * that was made before passwords were normalized is compared with the password as it was typed.
   */
  async matches(stored: string | undefined, password: string): Promise<Match> {
    const normalized = normalizePassword(password);
    const compare = (spelling: string) =>
      this.#inTurn(() => verify(stored ?? this.#standIn, spelling)).then(
        (same) => same && stored !== undefined,
      );
    if (await compare(normalized)) return 'matches';
    return normalized !== password && (await compare(password)) ? 'matches-as-typed' : 'differs';
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    await this.#enter();
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  async #enter(): Promise<void> {
    if (this.#running < atOnce) {
      this.#running += 1;
      return;
    }
    if (this.#waiting.length >= mostWaiting) throw new AppError('service-overloaded');
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** A place that somebody waits for is handed over, not freed. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#running -= 1;
  }
}
