import type {
  FeedAnswer,
  FeedEntry,
  FeedPlace,
  FeedPosition,
  FeedQuestion,
  FeedReader,
  MostOfEach,
} from '@warren/unit-of-work';

export type FeedCall = {
  /** `readMany` is recorded as one call per question: `head`, `resolve` for a cursor, `read` for a number. */
  kind: 'head' | 'heads' | 'read' | 'floor' | 'resolve';
  userId: string;
  after?: number;
};

/** Feeds in memory. A test can make them slow, make them fail, delete entries and start a new epoch. */
export class MemoryFeeds implements FeedReader {
  readonly calls: FeedCall[] = [];
  /** The users of each `readMany`. */
  readonly batches: string[][] = [];
  /** Runs between taking the snapshot of an answer and returning it, so the answer lacks what this writes. */
  beforeAnswer: (call: FeedCall) => Promise<void> | void = () => undefined;
  /** Thrown by every read while set. */
  failure: Error | undefined;
  readonly #feeds = new Map<string, FeedEntry[]>();
  readonly #floors = new Map<string, number>();
  #epoch = 'a';

  /** Writes an entry without pushing it. */
  write(userId: string, data: unknown = null, type = 'thing.happened'): FeedEntry {
    const entries = this.#entries(userId);
    const seq = entries.length + 1;
    const entry: FeedEntry = {
      userId,
      seq,
      cursor: this.cursor(seq),
      type,
      id: `id-${seq}`,
      time: '2026-01-01T00:00:00.000Z',
      data,
    };
    entries.push(entry);
    return entry;
  }

  writeMany(userId: string, count: number): FeedEntry[] {
    return Array.from({ length: count }, () => this.write(userId));
  }

  cursor(seq: number, epoch = this.#epoch): string {
    return Buffer.from(`${epoch}.${seq}`).toString('base64url');
  }

  /** Deletes all entries up to and including `seq`. */
  prune(userId: string, seq: number): void {
    this.#floors.set(userId, seq);
  }

  /** Restores a backup: keeps only the first `kept` entries and starts a new epoch. */
  restore(userId: string, kept: number): void {
    this.#epoch = `${this.#epoch}x`;
    const entries = this.#entries(userId).slice(0, kept);
    this.#feeds.set(
      userId,
      entries.map((entry) => ({ ...entry, cursor: this.cursor(entry.seq) })),
    );
  }

  readsOf(userId: string): FeedCall[] {
    return this.calls.filter((call) => call.kind === 'read' && call.userId === userId);
  }

  head(userId: string): Promise<FeedPosition> {
    return this.#answer({ kind: 'head', userId }, () => this.#head(userId));
  }

  heads(userIds: readonly string[]): Promise<Map<string, FeedPosition>> {
    return this.#answer({ kind: 'heads', userId: userIds.join() }, () => {
      const known = userIds.filter((userId) => this.#feeds.has(userId));
      return new Map(known.map((userId) => [userId, this.#head(userId)]));
    });
  }

  read(userId: string, after: number, limit: number): Promise<{ entries: FeedEntry[]; head: FeedPosition }> {
    return this.#answer({ kind: 'read', userId, after }, () => {
      return { entries: this.#above(userId, after, limit), head: this.#head(userId) };
    });
  }

  floor(userId: string): Promise<number> {
    return this.#answer({ kind: 'floor', userId }, () => this.#floors.get(userId) ?? 0);
  }

  resolve(userId: string, cursor: string): ReturnType<FeedReader['resolve']> {
    return this.#answer({ kind: 'resolve', userId }, () => this.#place(userId, cursor));
  }

  /** Takes all answers from one snapshot, and returns them when `beforeAnswer` has run for each. */
  async readMany(questions: readonly FeedQuestion[], most: MostOfEach): Promise<FeedAnswer[]> {
    this.batches.push(questions.map(({ userId }) => userId));
    return Promise.all(
      questions.map(({ userId, from }) => {
        if (typeof from === 'string') {
          return this.#answer({ kind: 'resolve', userId }, () => {
            const place = this.#place(userId, from);
            return { place, entries: place.ok ? this.#above(userId, place.seq, most.entries) : [] };
          });
        }
        const call: FeedCall =
          from === undefined ? { kind: 'head', userId } : { kind: 'read', userId, after: from };
        return this.#answer(call, () => {
          const head = this.#head(userId);
          const seq = from ?? head.seq;
          return { place: { ok: true, seq, head } as const, entries: this.#above(userId, seq, most.entries) };
        });
      }),
    );
  }

  sameEpoch(a: string, b: string): boolean {
    const [one, other] = [a, b].map((cursor) => Buffer.from(cursor, 'base64url').toString().split('.')[0]);
    return one === other;
  }

  async #answer<T>(call: FeedCall, snapshot: () => T): Promise<T> {
    this.calls.push(call);
    if (this.failure) throw this.failure;
    const answer = snapshot();
    await this.beforeAnswer(call);
    return answer;
  }

  #place(userId: string, cursor: string): FeedPlace {
    const head = this.#head(userId);
    const [epoch, number] = Buffer.from(cursor, 'base64url').toString().split('.');
    const seq = Number(number);
    if (!epoch || !Number.isInteger(seq)) return { ok: false, reason: 'unknown', head };
    if (epoch !== this.#epoch) return { ok: false, reason: 'epoch', head };
    if (seq > head.seq) return { ok: false, reason: 'unknown', head };
    if (seq < (this.#floors.get(userId) ?? 0)) return { ok: false, reason: 'too-old', head };
    return { ok: true, seq, head };
  }

  #above(userId: string, after: number, limit: number): FeedEntry[] {
    const floor = this.#floors.get(userId) ?? 0;
    return this.#entries(userId)
      .filter(({ seq }) => seq > after && seq > floor)
      .slice(0, limit);
  }

  #entries(userId: string): FeedEntry[] {
    const entries = this.#feeds.get(userId) ?? [];
    this.#feeds.set(userId, entries);
    return entries;
  }

  #head(userId: string): FeedPosition {
    const seq = this.#feeds.get(userId)?.length ?? 0;
    return { seq, cursor: this.cursor(seq) };
  }
}
