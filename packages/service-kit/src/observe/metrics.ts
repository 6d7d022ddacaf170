import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** One service's metrics, in a registry of its own: several services may share a process. */
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

  /** A value that is read when the metrics are. */
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

  /** A total that its owner counts; nothing while there is no owner yet. */
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
