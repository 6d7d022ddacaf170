import { describe, expect, it } from '@jest/globals';
import { type ConfigError, type KitConfig, readConfig } from '@warren/service-kit';
import { config } from '../src/config.js';
import { chooseProvider } from '../src/providers/choose-provider.js';

const warned: string[] = [];
const choose = (env: Record<string, string>, DEPLOYMENT: KitConfig['DEPLOYMENT'] = 'development') =>
  chooseProvider({ ...readConfig(config, env), DEPLOYMENT }, { warn: (line: string) => warned.push(line) });
const secrets = { STRIPE_SECRET_KEY: 'sk_test_x', STRIPE_WEBHOOK_SECRET: 'whsec_x' };

describe('the configured provider', () => {
  it('is the sandbox by default, which accepts no webhooks', async () => {
    const provider = await choose({});
    expect([provider.name, provider.webhook]).toEqual(['sandbox', undefined]);
  });

  it('is Stripe if PAYMENT_PROVIDER is stripe and both secrets are set', async () => {
    const provider = await choose({ PAYMENT_PROVIDER: 'stripe', ...secrets });
    expect([provider.name, provider.webhook?.path]).toEqual(['stripe', '/webhooks/stripe']);
  });

  it('is refused with one line for each secret that is missing', async () => {
    const lines = (env: Record<string, string>) =>
      choose({ PAYMENT_PROVIDER: 'stripe', ...env }).then(
        () => [],
        (error: ConfigError) => error.problems,
      );
    const missing = (name: string) => `${name} is missing: PAYMENT_PROVIDER=stripe needs it`;
    expect(await lines({})).toEqual([missing('STRIPE_SECRET_KEY'), missing('STRIPE_WEBHOOK_SECRET')]);
    expect(await lines({ STRIPE_SECRET_KEY: 'sk_test_x' })).toEqual([missing('STRIPE_WEBHOOK_SECRET')]);
  });

  it.each([
    ['the sandbox', {}, 'PAYMENT_PROVIDER is sandbox'],
    ['a test key', { PAYMENT_PROVIDER: 'stripe', ...secrets }, 'STRIPE_SECRET_KEY is a test key'],
    [
      'a restricted test key',
      { PAYMENT_PROVIDER: 'stripe', ...secrets, STRIPE_SECRET_KEY: 'rk_test_x' },
      'STRIPE_SECRET_KEY is a test key',
    ],
  ])('logs a warning in production if no money moves: %s', async (_, env, line) => {
    warned.length = 0;
    await choose(env);
    expect(warned).toEqual([]);
    await choose(env, 'production');
    expect(warned).toEqual([expect.stringContaining(line)]);
  });

  it('logs no warning in production if it is Stripe with a live key', async () => {
    warned.length = 0;
    await choose({ PAYMENT_PROVIDER: 'stripe', ...secrets, STRIPE_SECRET_KEY: 'sk_live_x' }, 'production');
    expect(warned).toEqual([]);
  });

  it.each([
    { PAYMENT_PROVIDER: 'bank' },
    { STRIPE_SECRET_KEY: 'pk_test_publishable' },
    { STRIPE_WEBHOOK_SECRET: 'nonsense' },
    { STRIPE_API_URL: 'https://api.stripe.com/v1' },
    { STRIPE_API_URL: 'http://api.stripe.com' },
    { STRIPE_API_URL: 'http://localhost.example' },
  ])('is refused for %j, by an error that shows no secret', (env) => {
    const [name, value] = Object.entries(env)[0] ?? ['', ''];
    expect(() => readConfig(config, env)).toThrow(name);
    if (name.includes('SECRET')) expect(() => readConfig(config, env)).not.toThrow(value);
  });
});
