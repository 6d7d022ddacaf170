import { describe, expect, it } from '@jest/globals';
import { defineContract, takesFrom } from '@warren/contracts';
import { react } from '@warren/unit-of-work';
import { createDecoder } from '../src/inbox/decoder.js';
import { deliveryOf, noteEvent } from './support/deliveries.js';

const request = { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] };
const printed = 'printer.requested';
const note = defineContract({
  service: 'note',
  emits: { 'note.written': request, [printed]: request },
  commands: {},
  feed: {},
});
const printer = defineContract({
  service: 'printer',
  emits: {},
  accepts: { [printed]: request },
  commands: {},
  feed: {},
});
const nothing = { handle: async () => undefined };
const handlers = [react(note, 'note.written', nothing), react(printer, printed, nothing)];
const decode = createDecoder(handlers, printer);
const sentBy = (source: string, type: string) => decode(deliveryOf({ ...noteEvent({ type }), source }));

describe('an event that a service receives', () => {
  it('is accepted if its type begins with the name of the service that sent it', () => {
    expect(sentBy('/services/note', 'note.written')).toMatchObject({ ok: true });
  });

  it('is accepted from any service if the contract of the receiver accepts its type', () => {
    expect(sentBy('/services/note', printed)).toMatchObject({ ok: true });
    expect(takesFrom(printer, 'note', printed)).toBe(true);
  });

  it.each([
    ['an event in the name of another service', '/services/other', 'note.written'],
    ['an event of its own name that it does not accept', '/services/note', 'printer.printed'],
    ['an event of a source that is no service', 'note', 'note.written'],
  ])('is refused if it is %s', (_what, source, type) => {
    expect(sentBy(source, type)).toMatchObject({ ok: false, verdict: { kind: 'dead', reason: 'schema' } });
  });
});

describe('an event that this service accepts from any service', () => {
  const published = (publisher: string, source: string) =>
    decode({ ...deliveryOf({ ...noteEvent({ type: printed }), source }), publisher });

  it('is accepted if its source is the service that published it', () => {
    expect(published('note', '/services/note')).toMatchObject({ ok: true });
  });

  it.each(['/services/other', 'note', '/services/'])('is refused if its source is %s', (source) => {
    expect(published('note', source)).toMatchObject({ ok: false, verdict: { kind: 'dead' } });
  });
});

describe('a handler', () => {
  it('is made by the contract of the service that owns the type', () => {
    expect(() => react(note, printed, nothing)).toThrow(
      'printer.requested belongs to printer: make its handler by that contract',
    );
  });
});
