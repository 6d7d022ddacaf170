import { codeOf } from '@warren/amqp-link';
import { type BrokerAnswer, PublishError } from '../port.js';

/** The method `basic.publish`, as `channel.close` names it. */
const basicPublish = { classId: 60, methodId: 40 };

/** CONTENT_TOO_LARGE, ACCESS_REFUSED, and PRECONDITION_FAILED, which RabbitMQ also uses for messages that are too large. */
const permanentCodes: ReadonlySet<number> = new Set([311, 403, 406]);

/** The broker's reason for closing a channel because of a published message; undefined for other errors. */
export function answerOf(error: unknown): BrokerAnswer | undefined {
  const code = codeOf(error);
  if (code === undefined || !(error instanceof Error)) return undefined;
  const { classId, methodId, message } = error as Error & { classId?: unknown; methodId?: unknown };
  const isAboutPublish = classId === basicPublish.classId && methodId === basicPublish.methodId;
  return isAboutPublish ? { code, text: message } : undefined;
}

/**
 * Classifies the error of one message. The broker's answer does not name the message that it is about, so pass it only for
 * a message that was sent alone. A missing exchange and an internal error of the broker may be temporary.
 */
export function publishError(error: unknown): PublishError {
  if (error instanceof PublishError) return error;
  const answer = answerOf(error);
  // amqplib throws these for values that AMQP can't represent, such as a type of more than 255 bytes.
  const isUnwritable = error instanceof TypeError || error instanceof RangeError;
  if (isUnwritable)
    return new PublishError('refused', 'the message can not be written in AMQP', { cause: error });
  if (!answer) return new PublishError('unavailable', 'the broker did not confirm', { cause: error });
  const kind = permanentCodes.has(answer.code) ? 'refused' : 'unavailable';
  return new PublishError(kind, `the broker refused the message: ${answer.text}`, { cause: error, answer });
}
