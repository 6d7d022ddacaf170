import type { Command } from 'commander';
import { addCommand, type Io, serviceOption } from '../command.js';
import { decimal } from '../parse.js';
import { addReadOptions, addSelectOptions, type ReadOptions, type SelectOptions } from './select.js';
import { list, show } from './show.js';
import { type DiscardOptions, discard, type RetryOptions, retry } from './work.js';

export function addDeadLetters(program: Command, io: Io): void {
  const group = program
    .command('dead-letters')
    .summary('list, retry and discard events that a service could not handle');

  addSelectOptions(
    addCommand(group, 'list', {
      summary: 'list dead letters, the oldest first',
      description: 'Lists dead letters, the oldest first. They stay in the queue unchanged.',
      examples: [
        'dead-letters list --service payment',
        'dead-letters list --service payment --reason permanent --since 7d --json',
      ],
    }).addOption(serviceOption()),
  ).action((options: SelectOptions) => list(io, options));

  addReadOptions(
    addCommand(group, 'show <id>', {
      summary: 'show one dead letter with its body and stack',
      description:
        'Shows one dead letter with its body and the stack of its error. It may hold personal data.',
      examples: ['dead-letters show 0199b6f0-7c1a-7000-8000-000000000000 --service payment'],
    }).addOption(serviceOption()),
  ).action((id: string, options: ReadOptions) => show(io, id, options));

  addWorkOptions(
    addCommand(group, 'retry', {
      summary: 'send dead letters to the service again',
      description:
        'Moves dead letters back to the service’s events queue, as attempt 1. Events that the inbox already holds ' +
        'are discarded instead: by this command if DATABASE_URL is set, otherwise by the service. An interruption ' +
        'can leave a letter in both queues; the inbox makes that harmless.',
      examples: [
        'dead-letters retry --service payment --dry-run',
        'dead-letters retry --service payment --type user.updated --rate 10 --limit 1000',
        'dead-letters retry --service payment --id 0199b6f0-7c1a-7000-8000-000000000000 --force',
      ],
    }),
  )
    .option('--force', 'also retry events that the inbox may have forgotten: their effects can happen twice')
    .action((options: RetryOptions) => retry(io, options));

  addWorkOptions(
    addCommand(group, 'discard', {
      summary: 'delete dead letters',
      description: 'Deletes dead letters permanently. Needs a filter or --all.',
      examples: [
        'dead-letters discard --service payment --reason unhandled-type --before 30d --dry-run',
        'dead-letters discard --service payment --all --limit 1000',
      ],
    }),
  )
    .option('--all', 'discard without a filter')
    .action((options: DiscardOptions) => discard(io, options));
}

function addWorkOptions(command: Command): Command {
  return addSelectOptions(command.addOption(serviceOption()))
    .option('--rate <n>', 'the maximum number of letters a second', decimal(0.1, 1_000), 50)
    .option('--dry-run', 'only report what would be done');
}
