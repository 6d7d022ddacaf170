import { type NoticeKind, type OutsideChannel, outsideChannels } from './notices/kind.js';
import { ownKinds } from './notices/own-kinds.js';

/** What preferences need to know of a kind of notice. */
export type PreferableKind = Pick<NoticeKind, 'kind' | 'locked' | 'channels'>;

/** A person's choice for one kind and channel. */
export interface Choice {
  kind: string;
  channel: OutsideChannel;
  enabled: boolean;
}

/** Where the notices of a kind go: the person's choice, or else the default of the kind. */
export interface KindPreference {
  kind: string;
  /** Nobody can switch off its channels. */
  locked: boolean;
  channels: { 'in-app': true } & Record<OutsideChannel, boolean>;
}

/** This service's own kinds that have preferences. */
export const preferableOwnKinds: readonly PreferableKind[] = ownKinds.filter(
  ({ reach }) => reach === 'inbox',
);

export function preferencesOf(
  kinds: readonly PreferableKind[],
  choices: readonly Choice[],
): KindPreference[] {
  return kinds.map(({ kind, locked, channels }) => {
    const chosen = (channel: OutsideChannel) =>
      choices.find((choice) => choice.kind === kind && choice.channel === channel)?.enabled;
    const enabled = (channel: OutsideChannel) => (locked ? undefined : chosen(channel)) ?? channels[channel];
    return { kind, locked, channels: { 'in-app': true, email: enabled('email'), push: enabled('push') } };
  });
}

/** A change that a person requests. Channels that are left out stay as they are. */
export interface PreferenceChange {
  kind: string;
  channels: Partial<Record<'in-app' | OutsideChannel, boolean>>;
}

export interface Outcome {
  choices: Choice[];
  /** RFC 6901 pointers to what can't be switched off. */
  locked: string[];
  /** RFC 6901 pointers to kinds that don't exist. */
  unknown: string[];
}

/**
 * The choices that follow from the changes. The last change of a kind and channel counts. Switching on a channel that
 * is always on is allowed.
 */
export function choicesOf(kinds: readonly PreferableKind[], changes: readonly PreferenceChange[]): Outcome {
  const choices = new Map<string, Choice>();
  const locked: string[] = [];
  const unknown: string[] = [];
  for (const [index, { kind, channels }] of changes.entries()) {
    const known = kinds.find((each) => each.kind === kind);
    if (known === undefined) unknown.push(`/items/${index}/kind`);
    const refuse = (channel: string) => locked.push(`/items/${index}/channels/${channel}`);
    if (channels['in-app'] === false) refuse('in-app');
    for (const channel of outsideChannels) {
      const enabled = channels[channel];
      if (enabled === undefined) continue;
      if (!known?.locked) choices.set(`${kind} ${channel}`, { kind, channel, enabled });
      else if (enabled !== known.channels[channel]) refuse(channel);
    }
  }
  return { choices: [...choices.values()], locked, unknown };
}
