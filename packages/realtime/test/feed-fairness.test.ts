import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { eventually } from '@warren/testing';
import { connect, node } from './support/cleanup.js';
import { service } from './support/node.js';

describe('tabs of one user share its reader', () => {
  it('does not let one tab that is far behind hold up the gap of another', async () => {
    const { url, feeds, link } = await node();
    feeds.writeMany('ann', 1_000);
    let goOn: () => void = () => undefined;
    const first = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    feeds.beforeAnswer = ({ kind }) => (kind === 'read' ? first : undefined);
    const behind = connect(url, { cursor: feeds.cursor(0) });
    await eventually(() => expect(feeds.readsOf('ann')).toHaveLength(1));
    const live = connect(url);
    await live.got('session.ready');
    feeds.write('ann');
    link.deliver({ kind: 'feed', service, entries: [feeds.write('ann')] });
    goOn();
    await live.gotExactly(1_001, 1_002);
    await behind.gotExactly(1, 1_002);
    expect(feeds.readsOf('ann').findIndex(({ after }) => after === 1_000)).toBeLessThan(4);
  });

  it('lets two that are far behind, at different places, not starve a third', async () => {
    const { url, feeds, link } = await node();
    feeds.writeMany('ann', 2_000);
    let goOn: () => void = () => undefined;
    const first = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    // A read takes longer than the page before needs to leave: a laggard is always ready for the next one.
    feeds.beforeAnswer = async ({ kind }) => {
      if (kind !== 'read') return;
      await first;
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
    link.deliver({ kind: 'feed', service, entries: [feeds.write('ann')] });
    goOn();
    await live.gotExactly(2_001, 2_002);
    expect(feeds.readsOf('ann').findIndex(({ after }) => after === 2_000)).toBeLessThan(5);
    await laggards[0]?.gotExactly(1, 2_002);
    await laggards[1]?.gotExactly(1_001, 2_002);
  });
});
