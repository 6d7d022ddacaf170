import { describe, expect, it } from '@jest/globals';
import { defineContract } from '@warren/contracts';
import { createDecoder } from '../src/inbox/decode.js';
import { deliveryOf, noteEvent } from './support/deliveries.js';

const request = { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] };
const asked = 'printer.requested';
const contractOf = (service: string, emits: Record<string, typeof request>) =>
  defineContract({ service, emits, consumes: [], commands: {}, feed: {} });
const contracts = [
  contractOf('note', { 'note.written': request, [asked]: request }),
  contractOf('other', { 'other.written': request }),
];
const decode = createDecoder(['note.written', asked], contracts);
const sentBy = (source: string, type: string) => decode(deliveryOf({ ...noteEvent({ type }), source }));

describe('an event that any service may send to one service', () => {
  it('is accepted from a service whose contract emits it, although it has the name of another service', () => {
    expect(sentBy('/services/note', asked)).toMatchObject({ ok: true });
  });

  it.each([
    ['who does not state it', '/services/other', asked],
    ['whom nobody knows', '/services/unknown', asked],
    ['in the name of a service that alone may send it', '/services/other', 'note.written'],
  ])('is refused from a service %s', (_who, source, type) => {
    expect(sentBy(source, type)).toMatchObject({ ok: false, verdict: { kind: 'dead', reason: 'schema' } });
  });
});
