/**
 * `@prisma/client` names the Prisma CLI and TypeScript as optional peers. Only the build needs them, but since the
 * workspace has both, they would be linked into every production install: 240 MB in each image.
 */
function withoutBuildPeers(manifest) {
  if (manifest.name !== '@prisma/client') return manifest;
  return { ...manifest, peerDependencies: {}, peerDependenciesMeta: {} };
}

module.exports = { hooks: { readPackage: withoutBuildPeers } };
