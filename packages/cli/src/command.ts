import { type Command, Option } from 'commander';
import { serviceName } from './parse.js';

export interface CommonOptions {
  json?: true;
}

export interface ServiceOptions extends CommonOptions {
  service: string;
}

/** A command that does something: all of them take `--json` and show examples. */
export function leaf(
  parent: Command,
  usage: string,
  { summary, description, examples }: { summary: string; description: string; examples: readonly string[] },
): Command {
  return parent
    .command(usage)
    .summary(summary)
    .description(description)
    .option('--json', 'print JSON on stdout: one value, or a line each where there may be many')
    .addHelpText('after', `\nExamples:\n${examples.map((line) => `  $ warren ${line}`).join('\n')}`);
}

export function serviceOption(description = 'whose queues'): Option {
  return new Option('--service <name>', description).argParser(serviceName).makeOptionMandatory();
}
