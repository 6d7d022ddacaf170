import { type MessageFormatElement, parse, TYPE } from '@formatjs/icu-messageformat-parser';
import type { NoticeDefinition, NoticeText } from '../requested.js';

/** Checks what the schema of a definition can't: that its texts parse, and that all names in it are names of values. */
export function faultsOf({ values, texts, path }: NoticeDefinition): string[] {
  const names = new Set(Object.keys(values));
  const unknown = (name: string) => (names.has(name) ? [] : [`{${name}} is no value of the kind`]);
  return [
    ...(['en', 'de'] as const).flatMap((language) =>
      messagesOf(texts[language]).flatMap(([place, message]) =>
        faultsOfMessage(message, values, unknown).map((fault) => `${language} ${place}: ${fault}`),
      ),
    ),
    ...[...path.matchAll(/\{([^{}]*)\}/g)]
      .flatMap(([, name = '']) => unknown(name))
      .map((fault) => `path: ${fault}`),
    ...Object.values(values).flatMap((type) =>
      typeof type !== 'object' || values[type.money] === 'text'
        ? []
        : [`{${type.money}} is no text that could hold a currency`],
    ),
  ];
}

function messagesOf(text: NoticeText | undefined): [place: string, message: string][] {
  if (text === undefined) return [];
  const { title, body, action, push } = text;
  const messages = { title, body, action, 'push title': push?.title, 'push body': push?.body };
  return Object.entries(messages).flatMap(([place, message]) =>
    message === undefined ? [] : [[place, message]],
  );
}

function faultsOfMessage(
  message: string,
  values: NoticeDefinition['values'],
  unknown: (name: string) => string[],
): string[] {
  try {
    return faultsOfElements(parse(message, { ignoreTag: true }), values, unknown);
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}

function faultsOfElements(
  elements: readonly MessageFormatElement[],
  values: NoticeDefinition['values'],
  unknown: (name: string) => string[],
): string[] {
  return elements.flatMap((element) => {
    switch (element.type) {
      case TYPE.literal:
      case TYPE.pound:
        return [];
      case TYPE.argument:
        return [...unknown(element.value), ...faultsOfShowing(element.value, values)];
      case TYPE.plural:
      case TYPE.select: {
        const options = Object.values(element.options);
        return [
          ...unknown(element.value),
          ...faultsOfChoice(element.type, element.value, values),
          ...options.flatMap(({ value }) => faultsOfElements(value, values, unknown)),
        ];
      }
      default:
        return [`{${element.value}} can't have a format: its type of value says how it is shown`];
    }
  });
}

/** A plural needs a count, and a select needs a code. */
function faultsOfChoice(
  choice: TYPE.plural | TYPE.select,
  name: string,
  values: NoticeDefinition['values'],
): string[] {
  const needed = choice === TYPE.plural ? 'count' : 'code';
  return values[name] === needed ? [] : [`{${name}} can't choose words, since it is no ${needed}`];
}

/** Ids and codes are not words for readers. */
function faultsOfShowing(name: string, values: NoticeDefinition['values']): string[] {
  const type = values[name];
  return type === 'id' || type === 'code' ? [`{${name}} can't be shown, since it is of type ${type}`] : [];
}
