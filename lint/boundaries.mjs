/**
 * Who may import whom. `npm run generate` writes these rules to the files beside this one that biome.json names.
 *
 * Biome applies the last override that matches a file and forgets the earlier ones, so each entry lists everything
 * that is refused in its files.
 */

const doors = '{http,commands,events,jobs}';
const servers = ['amqplib', 'fastify', '@fastify/*', '@prisma/*', 'pg', 'socket.io', 'socket.io-client'];

const refuse = (message, ...group) => ({ group, message });
/** Another folder of the same service. */
const rooms = (names) => `../**/${names}/**`;

const refusals = {
  services: refuse(
    'Packages never import services.',
    '@warren/*-service',
    '@warren/all-in-one',
    '**/services/*/{src,dist}/**',
  ),
  serviceContracts: refuse(
    'A package takes contracts as arguments: it works for services that it does not know.',
    '@warren/*-contract',
  ),
  amqp: refuse('Only amqp-link, event-bus and node-bus speak AMQP: use the EventBus port.', 'amqplib'),
  otherServices: refuse(
    'No service imports another: they meet in contracts, over the bus.',
    '@warren/*-service',
    '@warren/all-in-one',
    '../**/*/{src,dist}/**',
    '!../**/../{src,dist}/**',
  ),
  bus: refuse(
    'Services publish by tx.publish and consume by their events folder; the kit has the bus.',
    'amqplib',
    '@warren/amqp-link',
    '@warren/event-bus',
    '@warren/node-bus',
  ),
  doors: refuse('Nothing imports a door: move what is shared to operations or domain.', rooms(doors)),
};

const inService = [refusals.otherServices, refusals.bus];

/** The folders of a service, and what each may not import. Files directly in src, such as main.ts, join them. */
const serviceRooms = {
  [doors]: refuse(
    'A door imports operations, domain and queries, and neither store nor providers.',
    rooms('{store,providers}'),
  ),
  operations: refuse(
    'An operation knows neither HTTP nor sockets.',
    'fastify',
    '@fastify/*',
    'socket.io',
    '@warren/realtime',
  ),
  queries: refuse(
    'Queries only read: they import store and domain.',
    rooms('{operations,providers}'),
    'fastify',
    '@fastify/*',
  ),
  store: refuse(
    'The store imports domain, and decides nothing.',
    rooms('{operations,providers,queries}'),
    'fastify',
    '@fastify/*',
    'socket.io',
    '@warren/realtime',
  ),
  providers: refuse(
    'A provider imports domain, and knows neither store nor operations.',
    rooms('{operations,store,queries}'),
    'fastify',
    '@fastify/*',
    '@prisma/*',
  ),
};

/** `outside`: what lies outside of domain. */
const pureRules = (outside) =>
  refuse(
    'domain is pure rules: it imports nothing but contracts and timing.',
    ...servers,
    'pino',
    '**/generated/**',
    '@warren/*',
    '@warren/*/**',
    '!@warren/contracts',
    '!@warren/contracts/**',
    '!@warren/timing',
    '!@warren/*-contract',
    '!@warren/*-contract/**',
    outside,
  );

const rules = [
  { files: ['packages/*/src/**'], refused: [refusals.services, refusals.serviceContracts, refusals.amqp] },
  {
    files: ['packages/{amqp-link,event-bus,node-bus,testing}/src/**'],
    refused: [refusals.services, refusals.serviceContracts],
  },
  // Knows what the events of these services look like, for the tests of others.
  { files: ['packages/service-testing/src/**'], refused: [refusals.services, refusals.amqp] },
  { files: ['packages/*/test/**'], refused: [refusals.services] },
  // Both run services: one to measure them, the other to compare their files with their code.
  { files: ['packages/bench/src/**', 'packages/deploy-checks/**'], refused: [] },
  {
    files: ['packages/chaos/src/**'],
    refused: [
      refuse(
        'chaos shares nothing with what it checks: it knows services by their ports, tables and queues.',
        '@warren/*',
        '@warren/*/**',
        '!@warren/testing',
        '!@warren/local-postgres',
        '**/services/*/{src,dist}/**',
      ),
    ],
  },
  {
    files: ['packages/contracts/src/**'],
    refused: [
      refuse(
        'contracts is what contracts are made of: it imports nothing of ours.',
        '@warren/*',
        '@warren/*/**',
        '**/packages/**',
        '**/services/*/{src,dist}/**',
      ),
      refuse('contracts is also loaded by browsers: it knows no servers.', ...servers),
    ],
  },
  {
    files: ['packages/timing/src/**'],
    refused: [
      refuse(
        'timing imports nothing of ours.',
        '@warren/*',
        '@warren/*/**',
        '**/packages/**',
        '**/services/*/{src,dist}/**',
      ),
      refuse('timing is also loaded by browsers: it knows no servers.', ...servers, 'node:*', 'node:*/**'),
    ],
  },
  {
    files: ['packages/client/src/**'],
    refused: [
      refuse(
        'client imports only contracts and timing.',
        '@warren/*',
        '@warren/*/**',
        '!@warren/timing',
        '!@warren/contracts',
        '!@warren/contracts/**',
        '!@warren/*-contract',
        '!@warren/*-contract/**',
        '**/services/*/{src,dist}/**',
      ),
      refuse(
        'client runs in browsers.',
        ...servers.filter((name) => name !== 'socket.io-client'),
        'node:*',
        'node:*/**',
      ),
    ],
  },
  { files: ['services/*/src/**'], refused: inService },
  {
    files: ['services/*/test/**', 'services/*/contract/test/**'],
    refused: [refusals.otherServices, refusals.amqp],
  },
  ...Object.entries(serviceRooms).map(([room, refused]) => ({
    files: [`services/*/src/${room}/**`],
    refused: [...inService, refusals.doors, refused],
  })),
  { files: ['services/*/src/domain/*'], refused: [pureRules('../**')] },
  { files: ['services/*/src/domain/*/**'], refused: [pureRules('../../**')] },
  {
    files: ['services/*/contract/src/**'],
    refused: [
      refuse(
        'A contract package imports only @warren/contracts and other contract packages.',
        '@warren/*',
        '@warren/*/**',
        '!@warren/contracts',
        '!@warren/contracts/**',
        '!@warren/*-contract',
        '!@warren/*-contract/**',
        '../**/{src,dist}/**',
        ...servers,
      ),
    ],
  },
  { files: ['services/all-in-one/{src,test}/**'], refused: [refusals.amqp] },
];

/** The folders that a service may have in src, `generated` apart. */
export const knownRooms = [
  'http',
  'commands',
  'events',
  'jobs',
  'operations',
  'queries',
  'domain',
  'store',
  'providers',
];

/** The text of each file that the rules come to, by path. */
export function boundaries() {
  const overrides = rules.map(({ files, refused }) => {
    const rule = refused.length > 0 ? { level: 'error', options: { patterns: refused } } : 'off';
    return {
      includes: files,
      linter: { rules: { style: { noRestrictedImports: rule } } },
    };
  });
  return {
    'lint/boundaries.json': `${JSON.stringify({ overrides }, undefined, 2)}\n`,
    'lint/only-operations-write.grit': onlyOperationsWrite(),
  };
}

/** Imports don't show who opens a transaction; calls do. */
function onlyOperationsWrite() {
  const calls = [
    '$it.publish($args)',
    '$it.feed($args)',
    '$it.uow.run($args)',
    '$it.uow.once($args)',
    'uow.run($args)',
    'uow.once($args)',
  ];
  return `// Written by \`npm run generate\` from boundaries.mjs.
language js

or {
${calls.map((call) => `  \`${call}\``).join(',\n')}
} as $call where {
  $filename <: r"(?:.*/)?services/[^/]+/src/(?:${knownRooms.filter((room) => room !== 'operations').join('|')})/.*",
  register_diagnostic(
    span = $call,
    message = "Only operations open transactions, publish and feed.",
    severity = "error"
  )
}
`;
}
