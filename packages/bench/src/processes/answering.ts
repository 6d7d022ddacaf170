import type { Answer, Question } from './child.js';

export type Handlers = Record<string, (input: never) => Promise<unknown>>;

/** Lets this child process answer its parent's questions. It exits when the parent does. */
export function answering(handlers: Handlers): void {
  process.on('message', (message) => void answer(message as Question, handlers));
  process.on('disconnect', () => process.exit(1));
}

async function answer(question: Question, handlers: Handlers): Promise<void> {
  const reply = await attempt(question, handlers);
  if (process.connected) process.send?.(reply);
}

async function attempt({ id, name, input }: Question, handlers: Handlers): Promise<Answer> {
  try {
    const handler = handlers[name];
    if (!handler) throw new Error(`there is no question '${name}'`);
    return { id, ok: true, value: await handler(input as never) };
  } catch (error) {
    return { id, ok: false, reason: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
