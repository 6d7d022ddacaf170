import { describe, expect, it } from '@jest/globals';
import { eventually, gate } from '@warren/testing';
import { closeAfterEach, connect, node } from './support/fixtures.js';
import { token, verifyToken } from './support/node.js';

closeAfterEach();

describe('revoking a session', () => {
  it('ends its sockets with the reason, and no socket of another session', async () => {
    const revoked = new Set<string>();
    const { url, realtime, commit } = await node({ isRevoked: (id) => revoked.has(id) });
    const ended = [connect(url, { token: token('ann', 's1') }), connect(url, { token: token('ann', 's1') })];
    const other = connect(url, { token: token('ann', 's2') });
    await Promise.all([...ended, other].map((client) => client.got('session.ready')));
    revoked.add('s1');
    realtime.endSessions(revoked);
    for (const client of ended) {
      expect(await client.got('session.ended')).toEqual({ code: 'session-revoked', temporary: false });
      await eventually(() => expect(client.disconnects).toEqual(['io server disconnect']));
    }
    await eventually(() => expect(realtime.socketCount).toBe(1));
    commit('ann');
    await other.gotExactly(1, 1);
  });

  it('ends a socket whose token was verified before and which joins only after', async () => {
    const revoked = new Set<string>();
    let checked = 0;
    const verification = gate();
    const { url, realtime } = await node({
      isRevoked: (id) => revoked.has(id),
      async verifyToken(given) {
        const principal = await verifyToken(given);
        checked += 1;
        await verification.opened;
        return principal;
      },
    });
    const late = connect(url, { token: token('ann', 's1') });
    await eventually(() => expect(checked).toBe(1));
    revoked.add('s1');
    realtime.endSessions(revoked);
    verification.open();
    expect(await late.got('session.ended')).toEqual({ code: 'session-revoked', temporary: false });
    await eventually(() => expect(late.disconnects).toEqual(['io server disconnect']));
    expect(late.events).toEqual(['session.ended']);
    expect(realtime.socketCount).toBe(0);
  });
});
