// `@jest/globals` for modules that Node loads. Helpers of tests are loaded once, so each call goes to the test file that
// runs at that moment.
const current = Symbol.for('warren.jest');
const now = () => {
  const it = globalThis[current];
  if (!it) throw new Error('Only tests that Jest runs may import @jest/globals');
  return it;
};

const delegate = (name) =>
  new Proxy(() => undefined, {
    apply: (_, self, args) => Reflect.apply(now().globals[name], self, args),
    get: (_, key) => now().globals[name][key],
  });

export const describe = delegate('describe');
export const it = delegate('it');
export const test = delegate('test');
export const expect = delegate('expect');
export const beforeAll = delegate('beforeAll');
export const beforeEach = delegate('beforeEach');
export const afterEach = delegate('afterEach');
export const afterAll = delegate('afterAll');

/** The parts of `jest` that tests use. Spies and fake timers end with the test file. */
export const jest = {
  fn: (...args) => now().mocker.fn(...args),
  spyOn: (...args) => now().mocker.spyOn(...args),
  restoreAllMocks: () => now().mocker.restoreAllMocks(),
  useFakeTimers: (...args) => now().timers.useFakeTimers(...args),
  useRealTimers: () => now().timers.useRealTimers(),
  advanceTimersByTime: (ms) => now().timers.advanceTimersByTime(ms),
  setTimeout(ms) {
    globalThis[Symbol.for('TEST_TIMEOUT_SYMBOL')] = ms;
  },
};
