interface Query {
  limit: number;
  cursor?: string | undefined;
}

/** What to read for a page: one item more than requested, to know whether there is a next page. */
export function pageOf({ limit, cursor }: Query): { limit: number; before?: string } {
  return { limit: limit + 1, ...(cursor !== undefined && { before: cursor }) };
}

/** The requested page, and the cursor of the next one. */
export function cutPage<T extends { id: string }>(
  found: readonly T[],
  { limit }: Query,
): { items: T[]; nextCursor: string | null } {
  const items = found.slice(0, limit);
  return { items, nextCursor: found.length > limit ? (items.at(-1)?.id ?? null) : null };
}
