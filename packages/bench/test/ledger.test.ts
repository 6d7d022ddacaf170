import { describe, expect, it } from '@jest/globals';
import { Ledger } from '../src/driver/ledger.js';

describe('the ledger', () => {
  it('accepts a payment that arrives once, before or after the answer to its POST', async () => {
    const ledger = new Ledger();
    ledger.arrived('early', { recipientId: 'grace', at: 7 });
    expect(await ledger.arrival('early', 'grace')).toBe(7);
    const late = ledger.arrival('late', 'grace');
    ledger.arrived('late', { recipientId: 'grace', at: 9 });
    expect(await late).toBe(9);
    expect(() => ledger.verify()).not.toThrow();
    expect(ledger.completed).toBe(2);
  });

  it('reports a lost payment', () => {
    const ledger = new Ledger();
    void ledger.arrival('p', 'grace');
    expect(() => ledger.verify()).toThrow('payment p never arrived');
  });

  it.each(['before', 'after'])('reports a duplicate %s the answer', async (when) => {
    const ledger = new Ledger();
    ledger.arrived('p', { recipientId: 'grace', at: 1 });
    if (when === 'before') ledger.arrived('p', { recipientId: 'grace', at: 2 });
    await ledger.arrival('p', 'grace');
    if (when === 'after') ledger.arrived('p', { recipientId: 'grace', at: 2 });
    expect(() => ledger.verify()).toThrow('payment p arrived twice');
  });

  it.each(['before', 'after'])('reports a payment that reaches the wrong person %s the answer', (when) => {
    const ledger = new Ledger();
    if (when === 'before') ledger.arrived('p', { recipientId: 'ada', at: 1 });
    void ledger.arrival('p', 'grace');
    if (when === 'after') ledger.arrived('p', { recipientId: 'ada', at: 1 });
    expect(() => ledger.verify()).toThrow('payment p reached the wrong person');
  });

  it('reports an arrival without a payment', () => {
    const ledger = new Ledger();
    ledger.arrived('p', { recipientId: 'grace', at: 1 });
    expect(() => ledger.verify()).toThrow('no POST was answered with it');
  });
});
