import { randomUUID } from 'node:crypto';
import { hash, verify } from '@node-rs/argon2';
import { AppError } from '@warren/contracts';
import { normalizePassword } from '../domain/password.js';

/** OWASP's minimum for argon2id, which is the library's default algorithm. Memory in KiB. */
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** One computation takes about 30 ms on a thread of its own, and 19 MiB. */
const mostRunning = 4;
const mostWaiting = 100;

/** `matches-as-typed`: the hash was made before passwords were normalized, and should be replaced. */
export type Match = 'matches' | 'matches-as-typed' | 'differs';

/**
 * Hashes and checks passwords with argon2id. Runs few computations at the same time.
 *
 * @throws AppError `service-overloaded` if too many computations wait
 */
export class Passwords {
  /** The hash that is checked if there is no account. */
  readonly #decoy: string;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  private constructor(decoy: string) {
    this.#decoy = decoy;
  }

  static async create(): Promise<Passwords> {
    return new Passwords(await hash(randomUUID(), cost));
  }

  async hash(password: string): Promise<string> {
    return await this.#inTurn(() => hash(normalizePassword(password), cost));
  }

  /**
   * Compares a password with a stored hash. Takes the same time without a hash, so that the time doesn't show whether
   * an account exists. A hash that was made before passwords were normalized is compared with the password as typed.
   */
  async matches(stored: string | undefined, password: string): Promise<Match> {
    const normalized = normalizePassword(password);
    const compare = (spelling: string) =>
      this.#inTurn(() => verify(stored ?? this.#decoy, spelling)).then(
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
    if (this.#running < mostRunning) {
      this.#running += 1;
      return;
    }
    if (this.#waiting.length >= mostWaiting) throw new AppError('service-overloaded');
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Hands the place to the next computation that waits. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#running -= 1;
  }
}
