import { eventually } from '@warren/testing';
import { connect } from 'amqplib';

const types = ['user.password-reset-requested', 'user.email-verification-requested'];

/** Collects the tokens that the notification service is asked to mail. Only that service may receive them otherwise. */
export class MailedTokens {
  readonly #tokens = new Map<string, string>();
  readonly #close: () => Promise<void>;

  private constructor(close: () => Promise<void>) {
    this.#close = close;
  }

  static async listen(brokerUrl: string): Promise<MailedTokens> {
    const connection = await connect(brokerUrl);
    const mailed = new MailedTokens(() => connection.close());
    const channel = await connection.createChannel();
    const { queue } = await channel.assertQueue('', { exclusive: true });
    for (const type of types) await channel.bindQueue(queue, 'warren.events', type);
    const take = (content: Buffer, type: string) => {
      const { data } = JSON.parse(content.toString()) as { data: { email: string; token: string } };
      mailed.#tokens.set(`${type} ${data.email}`, data.token);
    };
    await channel.consume(queue, (message) => message && take(message.content, message.fields.routingKey), {
      noAck: true,
    });
    return mailed;
  }

  token(type: string, email: string): Promise<string> {
    return eventually(() => {
      const token = this.#tokens.get(`${type} ${email}`);
      if (!token) throw new Error(`no ${type} for ${email}`);
      return token;
    });
  }

  close(): Promise<void> {
    return this.#close();
  }
}
