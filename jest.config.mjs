const workspaceNames = {
  '^@warren/contracts/validation$': '<rootDir>/packages/contracts/src/validation/index.ts',
  '^@warren/service-kit/config$': '<rootDir>/packages/service-kit/src/config/read-config.ts',
  '^@warren/([a-z-]+)-service$': '<rootDir>/services/$1/src/main.ts',
  '^@warren/notification-contract/notices$': '<rootDir>/services/notification/contract/src/notices/index.ts',
  '^@warren/([a-z-]+)-contract$': '<rootDir>/services/$1/contract/src/index.ts',
  '^@warren/([a-z-]+)$': '<rootDir>/packages/$1/src/index.ts',
};

/** @type {import('jest').Config} */
export default {
  rootDir: import.meta.dirname,
  testMatch: ['<rootDir>/packages/*/test/**/*.test.ts', '<rootDir>/services/*/{,contract/}test/**/*.test.ts'],
  moduleNameMapper: workspaceNames,
  testRunner: '<rootDir>/scripts/jest/runner.mjs',
  testSequencer: '<rootDir>/scripts/jest/sequencer.mjs',
  modulePathIgnorePatterns: ['<rootDir>/.*/dist/', '<rootDir>/.cache/', '<rootDir>/.warren/'],
  testEnvironment: '<rootDir>/scripts/jest/environment.mjs',
  injectGlobals: false,
  transform: {},
  testTimeout: 60_000,
  maxWorkers: 4,
};
