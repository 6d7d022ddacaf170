import type { Command } from 'commander';
import { leaf, serviceOption } from '../command.js';
import type { Io } from '../io.js';
import { decimal } from '../parse.js';
import { list, show } from './look.js';
import { addReadOptions, addSelectOptions, type ReadOptions, type SelectOptions } from './options.js';
import { type DiscardOptions, discard, type RetryOptions, retry } from './work.js';

export function addDeadLetters(program: Command, io: Io): void {
  const group = program.command('dead-letters').summary('events that a service could not handle');

  addSelectOptions(
    leaf(group, 'list', {
      summary: 'the oldest first; takes none away',
      description:
        'Lists dead letters, the oldest first. Looking takes none away and changes nothing about them.',
      examples: [
        'dead-letters list --service payment',
        'dead-letters list --service payment --reason permanent --since 7d --json',
      ],
    }).addOption(serviceOption()),
  ).action((options: SelectOptions) => list(io, options));

  addReadOptions(
    leaf(group, 'show <id>', {
      summary: 'one of them with body and stack',
      description:
        'Shows one dead letter with its body and the stack of its error. It may hold personal data.',
      examples: ['dead-letters show 0199b6f0-7c1a-7000-8000-000000000000 --service payment'],
    }).addOption(serviceOption()),
  ).action((id: string, options: ReadOptions) => show(io, id, options));

  addWorkOptions(
    leaf(group, 'retry', {
      summary: 'gives them to the service once more',
      description:
        'Puts dead letters back into the service’s events queue, as attempt 1. What the inbox holds already is ' +
        'discarded instead: here where DATABASE_URL is given, else by the service. An interruption can leave a ' +
        'letter in both queues, which the inbox makes harmless.',
      examples: [
        'dead-letters retry --service payment --dry-run',
        'dead-letters retry --service payment --type user.updated --rate 10 --limit 1000',
        'dead-letters retry --service payment --id 0199b6f0-7c1a-7000-8000-000000000000 --force',
      ],
    }),
  )
    .option('--force', 'also what is older than the inbox: its effects can happen twice')
    .action((options: RetryOptions) => retry(io, options));

  addWorkOptions(
    leaf(group, 'discard', {
      summary: 'takes them away for good',
      description: 'Takes dead letters away for good. Needs a filter, or --all.',
      examples: [
        'dead-letters discard --service payment --reason unhandled-type --before 30d --dry-run',
        'dead-letters discard --service payment --all --limit 1000',
      ],
    }),
  )
    .option('--all', 'without any filter')
    .action((options: DiscardOptions) => discard(io, options));
}

function addWorkOptions(command: Command): Command {
  return addSelectOptions(command.addOption(serviceOption()))
    .option('--rate <n>', 'most letters a second', decimal(0.1, 1_000), 50)
    .option('--dry-run', 'only tell what would be done');
}
