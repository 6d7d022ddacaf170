import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  keyLeadMs,
  nextKey,
  publicKeysMaxAgeSeconds,
  retiredKeys,
  type ScheduledKey,
  signingKey,
} from '../src/domain/key-schedule.js';

const minute = 60_000;
const start = Date.parse('2026-01-01T00:00:00Z');

/** Instances that load the keys in any order, each at least once a minute while the database is reachable. */
const lives = fc.record({
  rotateEveryMs: fc.integer({ min: 24 * 60 * minute, max: 40 * 24 * 60 * minute }),
  tokenLifetimeMs: fc.integer({ min: 10_000, max: 24 * 60 * minute }),
  /** Minutes between two rounds. Long ones are outages of the database. */
  gaps: fc.array(
    fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 3_000 }), fc.constantFrom(1_400, 43_190)),
    {
      minLength: 1,
      maxLength: 200,
    },
  ),
});

interface KnownKey extends ScheduledKey {
  shownFrom: number;
}

describe('signing keys over time', () => {
  it('sign only when every verifier can have them, and verify until their last token has expired', () => {
    fc.assert(
      fc.property(lives, ({ gaps, ...schedule }) => {
        let keys: KnownKey[] = [];
        const signed = new Map<string, number>();
        let at = start;
        let names = 0;
        for (const gap of gaps) {
          at += gap * minute;
          const now = new Date(at);
          const retired = retiredKeys(keys, now, schedule);
          for (const { id } of retired) {
            expect((signed.get(id) ?? 0) + schedule.tokenLifetimeMs).toBeLessThan(at);
          }
          keys = keys.filter((key) => !retired.includes(key));
          const signsFrom = nextKey(keys, now, schedule);
          if (signsFrom) keys = [...keys, { id: `key-${names++}`, signsFrom, shownFrom: at }];
          const signer = signingKey(keys, now);
          expect(signer).toBeDefined();
          if (!signer) return;
          signed.set(signer.id, at);
          if (signer.id !== 'key-0') expect(at - signer.shownFrom).toBeGreaterThanOrEqual(keyLeadMs);
          expect(keys.length).toBeLessThanOrEqual(4);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('sign from the first key on, even if a clock is behind', () => {
    const keys = [1, 2].map((day) => ({
      id: `day ${day}`,
      signsFrom: new Date(start + day * 24 * 60 * minute),
    }));
    expect(signingKey(keys, new Date(start))?.id).toBe('day 1');
    expect(signingKey([], new Date(start))).toBeUndefined();
  });

  it('are published for longer than caches keep older keys', () => {
    const cachedByVerifiers = 10 * minute;
    expect(keyLeadMs).toBeGreaterThan(publicKeysMaxAgeSeconds * 1_000 + cachedByVerifiers + minute);
  });
});
