import { knownPerson, type Person } from '../people.js';
import { moreNotifications } from './account-kinds.js';
import type { OutsideChannel } from './kind.js';
import type { Place } from './names.js';
import type { Notice } from './notice.js';
import { type Reader, shownValues } from './show.js';
import { fillIn, languageFor, pathOf } from './templates.js';

/** The content of a mail. Its link has the text `action` and leads to `path` in the web app. */
export interface MailContent {
  language: string;
  subject: string;
  paragraphs: string[];
  action: string;
  path: string;
}

/** The content of a push. Push services accept 4 KB, and locked screens show it. */
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

/** For readers without a copy, who get only mails that can't wait. */
export const unknownReader: Reader = { locale: 'en', timeZone: 'UTC' };

/**
 * The notices as their readers see them. Leaves out the notices for deleted people.
 *
 * @throws UnknownPersonError if there is no copy yet of a reader, or of somebody whom a notice names
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
  const textIn = (place: Place) =>
    fillIn(kind, language, shownValues(kind, values, { reader, language }, people, place));
  const [inbox, outside] = [textIn('inbox'), textIn('outside')];
  const path = pathOf(kind, values);
  return {
    notice,
    title: cut(inbox.title, 200),
    body: cut(inbox.body, 1_000),
    email: {
      language,
      subject: cut(oneLine(outside.title), 200),
      paragraphs: [cut(outside.body, 1_000)],
      action: cut(outside.action ?? outside.title, 200),
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

/** The mail that replaces all further mails of an hour. */
export function mailSummary(language: string): MailContent {
  const notice = { userId: '', eventId: '', kind: moreNotifications, values: {} };
  return renderNotice(notice, { ...unknownReader, locale: language }, []).email;
}

/** The content for this channel. */
export function contentFor(rendered: RenderedNotice, channel: OutsideChannel): MailContent | PushContent {
  return rendered[channel];
}

/** Cuts between code points, since half a surrogate pair is no text. */
function cut(text: string, most: number): string {
  const points = [...text];
  return points.length <= most ? text : `${points.slice(0, most - 1).join('')}…`;
}

/** A subject is one line, but names may contain line breaks. */
function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();
}
