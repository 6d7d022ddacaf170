import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { eventually, gate } from '@warren/testing';
import { closeAfterEach, connect, node } from './support/fixtures.js';
import { service } from './support/node.js';

closeAfterEach();

describe('the reader that the tabs of one user share', () => {
  it('fills the gap of one tab while another one is far behind', async () => {
    const { url, feeds, nodes } = await node();
    feeds.writeMany('ann', 1_000);
    const reads = gate();
    feeds.beforeAnswer = ({ kind }) => (kind === 'read' ? reads.opened : undefined);
    const behind = connect(url, { cursor: feeds.cursor(0) });
    await eventually(() => expect(feeds.readsOf('ann')).toHaveLength(1));
    const live = connect(url);
    await live.got('session.ready');
    feeds.write('ann');
    nodes.deliver(service, [feeds.write('ann')]);
    reads.open();
    await live.gotExactly(1_001, 1_002);
    await behind.gotExactly(1, 1_002);
    expect(feeds.readsOf('ann').findIndex(({ after }) => after === 1_000)).toBeLessThan(4);
  });

  it('fills the gap of one tab while two others are far behind at different positions', async () => {
    const { url, feeds, nodes } = await node();
    feeds.writeMany('ann', 2_000);
    const reads = gate();
    // A read takes longer than sending the page before it, so a laggard is always ready for the next one.
    feeds.beforeAnswer = async ({ kind }) => {
      if (kind !== 'read') return;
      await reads.opened;
      await sleep(20);
    };
    const laggards = [
      connect(url, { cursor: feeds.cursor(0) }),
      connect(url, { cursor: feeds.cursor(1_000) }),
    ];
    for (const laggard of laggards) await laggard.got('session.ready');
    const live = connect(url);
    await live.got('session.ready');
    feeds.write('ann');
    nodes.deliver(service, [feeds.write('ann')]);
    reads.open();
    await live.gotExactly(2_001, 2_002);
    expect(feeds.readsOf('ann').findIndex(({ after }) => after === 2_000)).toBeLessThan(5);
    await laggards[0]?.gotExactly(1, 2_002);
    await laggards[1]?.gotExactly(1_001, 2_002);
  });
});
