import type { MailContent } from './notices/render.js';

/** The mail as plain text and as HTML, with the same words and one link. */
export function composeMail({ language, subject, paragraphs, action, path }: MailContent, webUrl: string) {
  const link = linkTo(webUrl, path);
  const text = `${[...paragraphs, `${action}:\n${link}`].join('\n\n')}\n`;
  const body = paragraphs.map((paragraph) => `<p>${escaped(paragraph)}</p>`).join('');
  const html = `<!doctype html><html lang="${escaped(language)}"><head><meta charset="utf-8"><title>${escaped(subject)}</title></head><body>${body}<p><a href="${escaped(link)}">${escaped(action)}</a></p></body></html>`;
  return { subject, text, html };
}

/** A link to this path of the web app at `webUrl`. */
export function linkTo(webUrl: string, path: string): string {
  return `${webUrl.replace(/\/+$/, '')}${path}`;
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Names and other values may contain markup. */
function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? '');
}
