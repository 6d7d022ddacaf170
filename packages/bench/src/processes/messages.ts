/** What parent and child say to each other over the IPC channel. */
export interface Question {
  id: number;
  name: string;
  input: unknown;
}

export type Answer = { id: number; ok: true; value: unknown } | { id: number; ok: false; reason: string };
