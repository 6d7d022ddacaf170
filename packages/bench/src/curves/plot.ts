import type { Curves } from './report.js';
import { type Panel, svg } from './svg.js';

/** Three charts: relay, consumer, and unpublished rows after the broker's return. */
export function plot({ relay, consumer, outages }: Curves): string {
  const sizes = ['1', '10', '50'];
  const relayFirst = relay[0]?.perSecond ?? 1;
  const consumerFirst = consumer[0]?.perSecond ?? 1;
  const relayPanel: Panel = {
    title: 'Relay: throughput, ratio to the first',
    x: { label: 'events per transaction', ticks: sizes },
    series: (['poll', 'nudge'] as const).flatMap((way) =>
      [1, 2].map((instances) => ({
        name: `${way === 'poll' ? 'poll only' : 'nudge'}, ${instances}`,
        points: relay
          .filter((point) => point.way === way && point.instances === instances)
          .map((point, x) => ({ x, y: point.perSecond / relayFirst })),
      })),
    ),
  };
  const consumerPanel: Panel = {
    title: 'Consumer: throughput, ratio to the first',
    x: { label: 'maximum events per batch', ticks: sizes },
    series: [1, 2].map((instances) => ({
      name: instances === 1 ? '1 instance' : '2 instances',
      points: consumer
        .filter((point) => point.instances === instances)
        .map((point, x) => ({ x, y: point.perSecond / consumerFirst })),
    })),
  };
  const outagePanel: Panel = {
    title: 'Unpublished rows after the broker returns',
    x: { label: 'seconds' },
    series: outages.map(({ instances, waiting }) => ({
      name: instances === 1 ? '1 instance' : '2 instances',
      points: waiting.map(({ seconds, rows }) => ({ x: seconds, y: rows })),
    })),
  };
  return svg([relayPanel, consumerPanel, outagePanel]);
}
