import { posix } from 'node:path';

type Dependencies = Record<string, { version: string }>;

export interface Lockfile {
  importers: Record<string, { dependencies?: Dependencies; devDependencies?: Dependencies }>;
  snapshots: Record<
    string,
    { dependencies?: Record<string, string>; optionalDependencies?: Record<string, string> }
  >;
}

/** Names of all packages that an install without dev dependencies adds for one folder of the workspace. */
export function productionPackages({ importers, snapshots }: Lockfile, folder: string): Set<string> {
  const names = new Set<string>();
  const seen = new Set<string>();

  function visitFolder(path: string): void {
    if (seen.has(path)) return;
    seen.add(path);
    const importer = importers[path];
    if (!importer) throw new Error(`The lockfile has no ${path}`);
    for (const [name, { version }] of Object.entries(importer.dependencies ?? {})) visit(name, version, path);
  }

  function visit(name: string, version: string, from: string): void {
    names.add(name);
    if (version.startsWith('link:')) {
      visitFolder(posix.join(from, version.slice('link:'.length)));
      return;
    }
    // The lock file lists an alias under its real name.
    const key = `${name}@${version}` in snapshots ? `${name}@${version}` : version;
    if (seen.has(key)) return;
    seen.add(key);
    const { dependencies = {}, optionalDependencies = {} } = snapshots[key] ?? {};
    for (const [inner, innerVersion] of Object.entries({ ...dependencies, ...optionalDependencies })) {
      visit(inner, innerVersion, from);
    }
  }

  visitFolder(folder);
  return names;
}
