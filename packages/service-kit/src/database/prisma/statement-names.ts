const mostStatements = 500;

/**
 * Names make PostgreSQL keep a statement's plan: parsing and planning would cost more than running it. A service
 * has few statements; what goes beyond the bound, such as lists of varying length, runs unnamed.
 */
export function statementNames(): (query: { sql: string }) => string {
  const names = new Map<string, string>();
  return ({ sql }) => {
    const known = names.get(sql);
    if (known !== undefined || names.size >= mostStatements) return known ?? '';
    const name = `warren_${names.size}`;
    names.set(sql, name);
    return name;
  };
}
