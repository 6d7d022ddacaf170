import { codeOf } from '@warren/amqp-link';
import { type BrokerAnswer, PublishError } from '../port.js';

/** `basic.publish`, as `channel.close` names the method that it is about. */
const basicPublish = { classId: 60, methodId: 40 };

/** CONTENT_TOO_LARGE, ACCESS_REFUSED and PRECONDITION_FAILED, which RabbitMQ also says of what is too large. */
const forGood: ReadonlySet<number> = new Set([311, 403, 406]);

/** What the broker said when it closed a channel over something that was published on it; `undefined` for other errors. */
export function answerOf(error: unknown): BrokerAnswer | undefined {
  const code = codeOf(error);
  if (code === undefined || !(error instanceof Error)) return undefined;
  const { classId, methodId, message } = error as Error & { classId?: unknown; methodId?: unknown };
  const isAboutPublish = classId === basicPublish.classId && methodId === basicPublish.methodId;
  return isAboutPublish ? { code, text: message } : undefined;
}

/**
 * What became of a message. Of several that were under way together, a broker's answer is about one, and nobody knows
 * about which: it counts only for a message that was sent alone. An exchange that is missing, or an error within the
 * broker, can pass by itself.
 */
export function publishError(error: unknown): PublishError {
  if (error instanceof PublishError) return error;
  const answer = answerOf(error);
  // amqplib throws these for what can't be written in AMQP, such as a type of more than 255 bytes.
  const isUnwritable = error instanceof TypeError || error instanceof RangeError;
  if (isUnwritable)
    return new PublishError('refused', 'the message can not be written in AMQP', { cause: error });
  if (!answer) return new PublishError('unavailable', 'the broker did not confirm', { cause: error });
  const kind = forGood.has(answer.code) ? 'refused' : 'unavailable';
  return new PublishError(kind, `the broker refused the message: ${answer.text}`, { cause: error, answer });
}
