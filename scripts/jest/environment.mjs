// The environment of a test file: the process itself, and not a context of its own.
import { ModuleMocker } from 'jest-mock';

const mocker = new ModuleMocker(globalThis);

export default class Environment {
  constructor(_, { console }) {
    this.global = { console };
    this.moduleMocker = mocker;
    this.fakeTimers = null;
    this.fakeTimersModern = null;
  }

  exportConditions() {
    return ['node', 'node-addons'];
  }

  getVmContext() {
    return null;
  }

  async setup() {}

  async teardown() {}
}
