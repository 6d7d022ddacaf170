import { noticeKinds, type OutsideChannel, outsideChannels } from '@warren/notification-contract';

/** One of a person's own choices. */
export interface Choice {
  kind: string;
  channel: OutsideChannel;
  enabled: boolean;
}

/** What goes where for a person, per kind: as they chose, else as the kind has it. */
export interface KindPreference {
  kind: string;
  /** Nothing of it can be switched off. */
  locked: boolean;
  channels: { 'in-app': true } & Record<OutsideChannel, boolean>;
}

/** The kinds that have preferences, in their order. */
export const preferredKinds = noticeKinds.filter(({ reach }) => reach === 'inbox');

export function preferencesOf(choices: readonly Choice[]): KindPreference[] {
  return preferredKinds.map(({ kind, locked, channels }) => {
    const chosen = (channel: OutsideChannel) =>
      choices.find((choice) => choice.kind === kind && choice.channel === channel)?.enabled;
    const enabled = (channel: OutsideChannel) => (locked ? undefined : chosen(channel)) ?? channels[channel];
    return { kind, locked, channels: { 'in-app': true, email: enabled('email'), push: enabled('push') } };
  });
}

/** What a person asks for: whatever is left out stays as it is. */
export interface PreferenceChange {
  kind: string;
  channels: Partial<Record<'in-app' | OutsideChannel, boolean>>;
}

export interface Outcome {
  choices: Choice[];
  /** RFC 6901 pointers to what can't be switched off. */
  locked: string[];
}

/** The inbox is always on, and so is all that a locked kind has; saying so once more is no fault. The last word counts. */
export function choicesOf(changes: readonly PreferenceChange[]): Outcome {
  const choices = new Map<string, Choice>();
  const locked: string[] = [];
  for (const [index, { kind, channels }] of changes.entries()) {
    const known = preferredKinds.find((each) => each.kind === kind);
    const refuse = (channel: string) => locked.push(`/items/${index}/channels/${channel}`);
    if (channels['in-app'] === false) refuse('in-app');
    for (const channel of outsideChannels) {
      const enabled = channels[channel];
      if (enabled === undefined) continue;
      if (!known?.locked) choices.set(`${kind} ${channel}`, { kind, channel, enabled });
      else if (enabled !== known.channels[channel]) refuse(channel);
    }
  }
  return { choices: [...choices.values()], locked };
}
