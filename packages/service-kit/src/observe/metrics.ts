import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** The metrics of one service, in a registry of its own, since several services may share a process. */
export class Metrics {
  readonly registry = new Registry();
  readonly http: Histogram<'method' | 'route' | 'status'>;
  readonly commands: Histogram<'command' | 'outcome'>;

  constructor(service: string, node: string) {
    this.registry.setDefaultLabels({ service, node });
    collectDefaultMetrics({ register: this.registry });
    this.http = new Histogram({
      name: 'warren_http_request_duration_seconds',
      help: 'HTTP requests, from the first byte of the head to the last of the answer',
      labelNames: ['method', 'route', 'status'],
      buckets: seconds,
      registers: [this.registry],
    });
    this.commands = new Histogram({
      name: 'warren_command_duration_seconds',
      help: 'Socket commands; the outcome is ok or the error code',
      labelNames: ['command', 'outcome'],
      buckets: seconds,
      registers: [this.registry],
    });
  }

  /** Adds a gauge. `read` is called whenever the metrics are read. */
  gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.set(read());
      },
    });
  }

  /** Adds a counter whose total `read` returns; undefined counts as 0. */
  counter(name: string, help: string, read: () => number | undefined): void {
    new Counter({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.reset();
        this.inc(read() ?? 0);
      },
    });
  }
}
