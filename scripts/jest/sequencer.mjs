// Starts the files first that take longest, so that the last one to end doesn't run alone. Jest knows durations only
// from former runs on the same machine, and otherwise goes by the size of the files.
import Sequencer from '@jest/test-sequencer';

/** Beginnings of paths: the longest first. */
const longest = [
  'packages/e2e/test/drain.',
  'packages/e2e/test/security/open-api.',
  'packages/e2e/test/security/fuzzing.',
  'services/notification/test/fair-share.',
  'services/payment/test/crashes.',
  'packages/unit-of-work/test/feeds-due.',
  'packages/unit-of-work/test/retention.',
  'packages/e2e/',
  'services/notification/test/delivery-queue.',
  'services/notification/test/web-push.',
  'services/user/test/deleted-account.',
  'packages/testing/',
  'packages/local-postgres/',
  'packages/deploy-checks/test/kubernetes',
];

export default class LongestFirst extends Sequencer {
  async sort(tests) {
    const rest = await super.sort(tests);
    const rank = ({ path, context }) => {
      const file = path.slice(context.config.rootDir.length + 1).replaceAll('\\', '/');
      const index = longest.findIndex((beginning) => file.startsWith(beginning));
      return index < 0 ? longest.length : index;
    };
    return [...rest].sort((a, b) => rank(a) - rank(b)); // Stable: others keep their order.
  }
}
