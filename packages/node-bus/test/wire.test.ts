import { describe, expect, it } from '@jest/globals';
import { decode, encodeSent } from '../src/wire.js';

describe('messages on the wire', () => {
  it('carry many messages in order, in parts of limited size', () => {
    const small = Array.from({ length: 150 }, (_, index) => ({ key: 'a/b', message: index }));
    const large = ['x', 'y'].map((letter) => ({ key: 'a/b', message: letter.repeat(200_000) }));
    const sent = [...small, ...large];
    const parts = encodeSent(sent, () => undefined);
    expect(parts.map(({ count }) => count)).toEqual([100, 51, 1]);
    const decoded = parts.map(({ content }) => decode(content));
    expect(
      decoded.flatMap((part) => (part !== 'unknown' && part?.kind === 'sent' ? part.messages : [])),
    ).toEqual(sent.map(({ key, message }) => [key, message]));
  });

  it('leave out a message that JSON can not carry, and report it', () => {
    const failures: unknown[] = [];
    const parts = encodeSent(
      [
        { key: 'a/b', message: 1n },
        { key: 'a/b', message: 1 },
      ],
      (error) => failures.push(error),
    );
    expect([parts.map(({ count }) => count), failures.length]).toEqual([[1], 1]);
  });

  it('are told apart from what is no message and from kinds that only newer builds know', () => {
    const kinds = [
      '',
      'null',
      '{',
      '[]',
      '{"kind":"sent","messages":[1]}',
      '{"kind":"announced"}',
      '{"kind":"new"}',
    ];
    expect(kinds.map((text) => decode(Buffer.from(text)))).toEqual([
      ...Array.from({ length: 6 }, () => undefined),
      'unknown',
    ]);
  });
});
