import { knownPerson, type Person } from '../people.js';
import { moreNotifications } from './account-kinds.js';
import type { OutsideChannel } from './kind.js';
import type { Place } from './names.js';
import type { Notice } from './notice.js';
import { type Reader, shownValues } from './show.js';
import { languageFor, pathOf, saidIn } from './templates.js';

/** What a mail says. `path` leads into the web app, under the link that `action` names. */
export interface MailContent {
  language: string;
  subject: string;
  paragraphs: string[];
  action: string;
  path: string;
}

/** What a push says: small, since push services take 4 KB, and without what locked screens shouldn't show. */
export interface PushContent {
  kind: string;
  title: string;
  body: string;
  path: string;
}

export interface RenderedNotice {
  notice: Notice;
  title: string;
  body: string;
  email: MailContent;
  push: PushContent;
}

/** What a reader gets whose copy is not here: only mails that can't wait are written for one. */
export const unknownReader: Reader = { locale: 'en', timeZone: 'UTC' };

/**
 * The notices in their readers' words; none for a reader who has deleted their account.
 *
 * @throws UnknownPersonError if a reader, or somebody who is named, has no copy yet
 */
export function renderNotices(notices: readonly Notice[], people: readonly Person[]): RenderedNotice[] {
  return notices.flatMap((notice) => {
    const { deleted, locale, timeZone } = knownPerson(people, notice.userId);
    if (deleted) return [];
    const reader = { locale: locale ?? unknownReader.locale, timeZone: timeZone ?? unknownReader.timeZone };
    return [renderNotice(notice, reader, people)];
  });
}

export function renderNotice(notice: Notice, reader: Reader, people: readonly Person[]): RenderedNotice {
  const { kind, values } = notice;
  const language = languageFor(kind, reader.locale);
  const say = (place: Place) =>
    saidIn(kind, language, shownValues(kind, values, { reader, language }, people, place));
  const [inbox, outside] = [say('inbox'), say('outside')];
  const path = pathOf(kind, values);
  return {
    notice,
    title: cut(inbox.title, 200),
    body: cut(inbox.body, 1_000),
    email: {
      language,
      subject: oneLine(outside.title),
      paragraphs: [outside.body],
      action: outside.action ?? outside.title,
      path,
    },
    push: {
      kind: kind.kind,
      title: cut(outside.push.title ?? outside.title, 100),
      body: cut(outside.push.body ?? outside.body, 300),
      path,
    },
  };
}

/** The one mail that replaces all those of an hour that are not sent by themselves. */
export function mailSummary(language: string): MailContent {
  const notice = { userId: '', eventId: '', kind: moreNotifications, values: {} };
  return renderNotice(notice, { ...unknownReader, locale: language }, []).email;
}

/** What is sent on this channel. */
export function contentFor(rendered: RenderedNotice, channel: OutsideChannel): MailContent | PushContent {
  return rendered[channel];
}

/** By code points: half a surrogate pair is no text. */
function cut(text: string, most: number): string {
  const points = [...text];
  return points.length <= most ? text : `${points.slice(0, most - 1).join('')}…`;
}

/** A subject is a header: names in it may hold anything. */
function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();
}
