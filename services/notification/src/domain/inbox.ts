/** What a person does to one notification. */
export type Mark = 'read' | 'unread' | 'archived' | 'unarchived';

/** What a person does to all notifications of the inbox. */
export type MarkAll = 'read' | 'seen';

/** Which notifications a list shows. `all` are those that are not archived. */
export type InboxState = 'unread' | 'all' | 'archived';
