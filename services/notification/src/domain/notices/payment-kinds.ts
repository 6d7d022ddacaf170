import { ownKind } from './kind.js';

/** `otherUserId` is the payer if the recipient is the reader, or else the recipient. */
const ofPayment = {
  values: { paymentId: 'id', amount: { money: 'currency' }, currency: 'text', otherUserId: 'person' },
  reach: 'inbox',
  channels: { email: true, push: true },
  locked: false,
  path: '/payments/{paymentId}',
} as const;

/** `amountRefunded` is the sum of all refunds of the payment that have not failed. */
const ofRefund = {
  ...ofPayment,
  values: { ...ofPayment.values, amountRefunded: { money: 'currency' } },
} as const;

export const paymentSent = ownKind({
  ...ofPayment,
  kind: 'payment-sent',
  texts: {
    en: {
      title: 'Payment sent',
      body: 'You paid {amount} to {otherUserId}.',
      action: 'See the payment',
      push: { body: '{amount} to {otherUserId}' },
    },
    de: {
      title: 'Zahlung gesendet',
      body: 'Du hast {amount} an {otherUserId} gezahlt.',
      action: 'Zahlung ansehen',
      push: { body: '{amount} an {otherUserId}' },
    },
  },
  channels: { email: false, push: false },
});

export const paymentReceived = ownKind({
  ...ofPayment,
  kind: 'payment-received',
  texts: {
    en: {
      title: 'Payment received',
      body: 'You received {amount} from {otherUserId}.',
      action: 'See the payment',
      push: { body: '{amount} from {otherUserId}' },
    },
    de: {
      title: 'Zahlung erhalten',
      body: 'Du hast {amount} von {otherUserId} erhalten.',
      action: 'Zahlung ansehen',
      push: { body: '{amount} von {otherUserId}' },
    },
  },
});

export const paymentFailed = ownKind({
  ...ofPayment,
  kind: 'payment-failed',
  texts: {
    en: {
      title: 'Payment failed',
      body: 'Your payment of {amount} to {otherUserId} failed. No money was moved.',
      action: 'See the payment',
      push: { body: '{amount} to {otherUserId} was not paid.' },
    },
    de: {
      title: 'Zahlung fehlgeschlagen',
      body: 'Deine Zahlung von {amount} an {otherUserId} ist fehlgeschlagen. Es wurde kein Geld bewegt.',
      action: 'Zahlung ansehen',
      push: { body: '{amount} an {otherUserId} wurden nicht gezahlt.' },
    },
  },
});

export const paymentActionRequired = ownKind({
  ...ofPayment,
  kind: 'payment-action-required',
  texts: {
    en: {
      title: 'Confirm your payment',
      body: 'Your payment of {amount} to {otherUserId} waits for your confirmation.',
      action: 'Confirm it',
      push: { body: '{amount} to {otherUserId} waits for you.' },
    },
    de: {
      title: 'Bestätige deine Zahlung',
      body: 'Deine Zahlung von {amount} an {otherUserId} wartet auf deine Bestätigung.',
      action: 'Jetzt bestätigen',
      push: { body: '{amount} an {otherUserId} warten auf dich.' },
    },
  },
});

export const paymentRefunded = ownKind({
  ...ofRefund,
  kind: 'payment-refunded',
  texts: {
    en: {
      title: 'Payment refunded',
      body: 'Of your payment of {amount} to {otherUserId}, {amountRefunded} came back to you.',
      action: 'See the payment',
      push: { body: '{amountRefunded} back from {otherUserId}' },
    },
    de: {
      title: 'Zahlung erstattet',
      body: 'Von deiner Zahlung von {amount} an {otherUserId} wurden dir {amountRefunded} erstattet.',
      action: 'Zahlung ansehen',
      push: { body: '{amountRefunded} zurück von {otherUserId}' },
    },
  },
});

/** Follows a `payment-refunded` that turned out wrong, because the payer's bank did not take the money. */
export const paymentRefundFailed = ownKind({
  ...ofRefund,
  kind: 'payment-refund-failed',
  texts: {
    en: {
      title: 'Refund failed',
      body:
        'A refund of your payment of {amount} to {otherUserId} failed after all. ' +
        'Refunded to you remains {amountRefunded}.',
      action: 'See the payment',
      push: { body: 'A refund from {otherUserId} failed.' },
    },
    de: {
      title: 'Erstattung fehlgeschlagen',
      body:
        'Eine Erstattung deiner Zahlung von {amount} an {otherUserId} ist doch fehlgeschlagen. ' +
        'Erstattet bleiben {amountRefunded}.',
      action: 'Zahlung ansehen',
      push: { body: 'Eine Erstattung von {otherUserId} ist fehlgeschlagen.' },
    },
  },
});
