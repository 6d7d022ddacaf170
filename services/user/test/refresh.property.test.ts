import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  decideRefresh,
  mostRotations,
  type RefreshDecision,
  refreshGraceMs,
  type SessionState,
} from '../src/domain/refresh-tokens.js';

const start = Date.parse('2026-01-01T00:00:00Z');
const expiresAt = new Date(start + 86_400_000);

/** The life of a session: which of its tokens are presented, and when. */
const uses = fc.array(
  fc.record({
    after: fc.oneof(
      fc.integer({ min: 0, max: 40_000 }),
      fc.constantFrom(0, 1, refreshGraceMs, refreshGraceMs + 1),
    ),
    /** 0 presents the newest token, 1 the previous one, and so on. */
    back: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat({ max: 6 })),
  }),
  { maxLength: 60 },
);

interface Use {
  at: number;
  generation: number;
  decision: RefreshDecision;
}

function live(steps: { after: number; back: number }[]): Use[] {
  let session: SessionState = { generation: 1, rotations: [], expiresAt, revokedAt: null };
  let at = start;
  return steps.map(({ after, back }) => {
    at += after;
    const generation = Math.max(1, session.generation - back);
    const decision = decideRefresh(session, generation, new Date(at));
    if (decision.kind === 'rotate') {
      session = { ...session, generation: generation + 1, rotations: decision.rotations };
    }
    if (decision.kind === 'reused') session = { ...session, revokedAt: new Date(at) };
    return { at, generation, decision };
  });
}

describe('a session under any use of its refresh tokens', () => {
  it('gives each token one successor, and repeats it for 30 s, whatever happens in between', () => {
    fc.assert(
      fc.property(uses, (steps) => {
        const rotatedAt = new Map<number, number>();
        let over = false;
        for (const { at, generation, decision } of live(steps)) {
          const rotated = rotatedAt.get(generation);
          if (over) expect(decision.kind).toBe('revoked');
          else if (rotated === undefined) expect(decision.kind).toBe('rotate');
          else if (at - rotated <= refreshGraceMs) {
            expect(decision).toEqual({ kind: 'repeat', generation: generation + 1 });
          } else expect(decision.kind).toBe('reused');
          if (decision.kind === 'rotate') rotatedAt.set(generation, at);
          if (decision.kind === 'reused') over = true;
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('ends for both thief and owner when both continue', () => {
    const both = fc.record({
      thiefRepeatsAfter: fc.integer({ min: 0, max: refreshGraceMs }),
      rotationsBefore: fc.integer({ min: 1, max: 5 }),
      gap: fc.integer({ min: refreshGraceMs + 1, max: 900_000 }),
    });
    fc.assert(
      fc.property(both, ({ thiefRepeatsAfter, rotationsBefore, gap }) => {
        let session: SessionState = { generation: 1, rotations: [], expiresAt, revokedAt: null };
        const present = (generation: number, at: number) => {
          const decision = decideRefresh(session, generation, new Date(at));
          if (decision.kind === 'rotate') {
            session = { ...session, generation: generation + 1, rotations: decision.rotations };
          }
          return decision;
        };
        for (let generation = 1; generation <= rotationsBefore; generation += 1) present(generation, start);
        const stolen = present(1, start + thiefRepeatsAfter);
        const thiefs = stolen.kind === 'repeat' ? stolen.generation : 0;
        const owners = session.generation;
        // Both continue with their tokens. The one that comes second presents a spent token.
        present(owners, start + thiefRepeatsAfter + gap);
        expect(present(thiefs, start + thiefRepeatsAfter + 2 * gap).kind).toBe('reused');
      }),
    );
  });

  it('keeps a limited number of rotations', () => {
    const steps = Array.from({ length: mostRotations + 1 }, () => ({ after: 0, back: 0 }));
    const kinds = live(steps).map(({ decision }) => decision.kind);
    expect(kinds.slice(0, -1)).toEqual(Array.from({ length: mostRotations }, () => 'rotate'));
    expect(kinds.at(-1)).toBe('too-often');
  });

  it('ends by revocation before its expiry, and expires to the millisecond', () => {
    const session: SessionState = { generation: 2, rotations: [], expiresAt, revokedAt: null };
    const before = new Date(expiresAt.getTime() - 1);
    expect(decideRefresh(session, 2, before).kind).toBe('rotate');
    expect(decideRefresh(session, 2, expiresAt).kind).toBe('expired');
    expect(decideRefresh({ ...session, revokedAt: before }, 2, expiresAt).kind).toBe('revoked');
  });
});
