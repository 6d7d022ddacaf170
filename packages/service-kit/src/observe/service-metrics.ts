import type { NodeBus } from '@warren/node-bus';
import type { RealtimeNode } from '@warren/realtime';
import type { Messaging, RawClient } from '@warren/unit-of-work';
import type { Metrics } from './metrics.js';

export interface MeasuredParts<Db extends RawClient> {
  messaging: Pick<Messaging<Db>, 'stats'>;
  realtime: Pick<RealtimeNode, 'stats'>;
  broker: { readonly state: 'up' | 'degraded'; readonly unauthorized: number };
  nodes: Pick<NodeBus, 'stats'>;
  revocations: { readonly size: number };
  /** Undefined if no list of revocations is read. */
  watch?: { readonly failed: number } | undefined;
}

/** Adds the statistics of the parts to the metrics. Dashboards and alerts use these names. */
export function measure<Db extends RawClient>(metrics: Metrics, parts: MeasuredParts<Db>): void {
  const { messaging, realtime, broker, nodes, revocations, watch } = parts;
  const relay = () => messaging.stats().relay;
  const consumer = () => messaging.stats().consumer;
  const retention = () => messaging.stats().retention;
  const sockets = () => realtime.stats();

  metrics.gauge('warren_broker_up', '1 while the event bus works, 0 while it is degraded', () =>
    broker.state === 'up' ? 1 : 0,
  );
  metrics.counter(
    'warren_messages_unauthorized_total',
    'Messages refused, since the broker user that published them may not publish such events',
    () => broker.unauthorized + nodes.stats().unauthorized,
  );
  metrics.gauge(
    'warren_outbox_backlog',
    'Unpublished events in the outbox, of all instances',
    () => relay().backlog,
  );
  metrics.gauge(
    'warren_relay_in_flight',
    'Events given to the bus and not yet confirmed',
    () => relay().inFlight,
  );
  metrics.counter('warren_relay_published_total', 'Events that the bus confirmed', () => relay().published);
  metrics.counter(
    'warren_relay_unroutable_total',
    'Events that no service consumes',
    () => relay().unroutable,
  );
  metrics.counter(
    'warren_relay_failed_total',
    'Publishes without a confirm; they are repeated',
    () => relay().failed,
  );
  metrics.counter(
    'warren_relay_refused_total',
    'Events that the broker refused; they are parked',
    () => relay().refused,
  );
  metrics.gauge(
    'warren_outbox_parked',
    'Events in the outbox that the broker refused and that wait for an operator, of all instances, up to 1,000',
    () => relay().parked,
  );

  metrics.gauge(
    'warren_outbox_returned',
    'Events in the outbox that no queue takes although a service consumes them, of all instances, up to 1,000',
    () => relay().returned,
  );

  metrics.counter(
    'warren_consumer_handled_total',
    'Deliveries handled, duplicates among them',
    () => consumer()?.handled,
  );
  metrics.counter(
    'warren_consumer_duplicates_total',
    'Deliveries that the inbox knew',
    () => consumer()?.duplicates,
  );
  metrics.counter(
    'warren_consumer_retried_total',
    'Deliveries that failed and are retried',
    () => consumer()?.retried,
  );
  metrics.counter(
    'warren_consumer_dead_total',
    'Deliveries sent to the dead letters',
    () => consumer()?.dead,
  );
  metrics.counter(
    'warren_consumer_replayed_total',
    'Deliveries that were part of a replay',
    () => consumer()?.replayed,
  );
  metrics.gauge(
    'warren_copies_incomplete',
    'Copies of other services that were never complete',
    () => messaging.stats().copiesMissing,
  );
  metrics.gauge(
    'warren_recoveries_open',
    'Producers that have not yet sent what the lost queue of this service may have held',
    () => messaging.stats().recovering,
  );
  metrics.counter(
    'warren_consumer_split_total',
    'Batches that ran again one by one',
    () => consumer()?.split,
  );
  metrics.counter(
    'warren_consumer_suspected_total',
    'Deliveries handled alone, since a process that had them before may have crashed on them',
    () => consumer()?.suspected,
  );
  metrics.counter(
    'warren_consumer_crash_loops_total',
    'Deliveries given up, since each process that had them crashed',
    () => consumer()?.crashLoops,
  );
  metrics.counter(
    'warren_consumer_busy_total',
    'Times that a delivery was put back because other transactions held the locks that it needs',
    () => consumer()?.busy,
  );

  metrics.counter('warren_retention_rounds_total', 'Rounds of pruning', () => retention().rounds);
  metrics.counter('warren_retention_failed_total', 'Rounds of pruning that failed', () => retention().failed);
  metrics.counter(
    'warren_retention_partitions_dropped_total',
    'Days of outbox and inbox that were dropped',
    () => retention().partitionsDropped,
  );
  metrics.gauge(
    'warren_retention_partitions_held',
    'Days of outbox and inbox that are old but still needed',
    () => retention().partitionsHeld,
  );
  metrics.counter(
    'warren_retention_feeds_visited_total',
    'Feeds that were checked for entries to delete',
    () => retention().feedsVisited,
  );
  metrics.counter(
    'warren_retention_feed_entries_total',
    'Feed entries that were pruned',
    () => retention().feedEntries,
  );
  metrics.counter(
    'warren_retention_rows_total',
    'Other rows that were pruned one by one',
    () => retention().rows,
  );

  metrics.gauge(
    'warren_revocations',
    'Sessions known to have ended before their tokens expired',
    () => revocations.size,
  );
  if (watch) {
    metrics.gauge(
      'warren_revocations_list_failed',
      'Reads of the list of revocations that failed in a row; 0 after a success',
      () => watch.failed,
    );
  }
  metrics.gauge('warren_sockets', 'Connected sockets', () => sockets().sockets);
  metrics.gauge(
    'warren_sockets_unjoined',
    'Connections that have not joined a namespace',
    () => sockets().unjoined,
  );
  metrics.gauge(
    'warren_sockets_opening',
    'Sockets that wait for the lookup of their position in the feed',
    () => sockets().opening,
  );
  metrics.counter(
    'warren_socket_upgrades_refused_total',
    'Connections refused with 503, before any handshake',
    () => sockets().upgradesRefused,
  );
  metrics.counter(
    'warren_socket_connections_cut_total',
    'Connections cut off, since they sent too much or read too little',
    () => sockets().connectionsCut,
  );
  metrics.gauge('warren_socket_users', 'Users with a connected socket', () => sockets().users);
  metrics.counter(
    'warren_pushes_useful_total',
    'Messages from other nodes for keys that this node follows',
    () => nodes.stats().useful,
  );
  metrics.counter(
    'warren_pushes_wasted_total',
    'Messages from other nodes for keys that this node does not follow',
    () => nodes.stats().wasted,
  );
  metrics.counter(
    'warren_node_messages_dropped_total',
    'Messages to other nodes that never left this one',
    () => nodes.stats().dropped,
  );
  metrics.counter(
    'warren_node_messages_missed_total',
    'Frames of other nodes, of up to 100 messages each, that never arrived',
    () => nodes.stats().missed,
  );
  metrics.counter(
    'warren_feed_entries_sent_total',
    'Feed entries written to sockets',
    () => sockets().entriesSent,
  );
  metrics.counter(
    'warren_feed_gaps_total',
    'Pushes that revealed missing entries before them',
    () => sockets().gaps,
  );
  metrics.counter(
    'warren_feed_sweep_repairs_total',
    'Users for whom a sweep found entries that no push had announced',
    () => sockets().sweepRepairs,
  );
  metrics.counter(
    'warren_feed_resumes_total',
    'Sockets that resumed from their cursor',
    () => sockets().resumes,
  );
  metrics.counter('warren_feed_behind_total', 'Sockets that read too slowly', () => sockets().drops);
}
