import type { Command } from 'commander';
import { addCommand, type Io, type ServiceOptions, serviceOption } from './command.js';
import { withBroker } from './connections.js';
import { table } from './text.js';

export function addQueues(program: Command, io: Io): void {
  addCommand(program, 'queues', {
    summary: 'show how many messages a service’s queues hold',
    description:
      'Shows the queues of a service: events, retries by delay, and dead letters. Messages that a consumer is ' +
      'working on are not counted.',
    examples: ['queues --service payment', 'queues --service payment --json'],
  })
    .addOption(serviceOption())
    .action((options: ServiceOptions) => queues(io, options));
}

async function queues(io: Io, { service, json }: ServiceOptions): Promise<void> {
  const states = await withBroker(io, service, (operator) => operator.queues());
  if (json) {
    for (const { name, messages, consumers } of states) {
      const exists = messages !== undefined;
      io.out(JSON.stringify({ name, exists, ...(exists && { messages, consumers }) }));
    }
    return;
  }
  const rows = states.map(({ name, messages, consumers }) => [
    name,
    String(messages ?? 'missing'),
    String(consumers ?? '-'),
  ]);
  io.out(table(['queue', 'messages', 'consumers'], rows));
}
