// Starts the files first that take longest, so that the last one to end doesn't run alone. Files that mostly compute take
// turns with files that mostly wait, so that neither do all workers compute nor do all wait. Jest knows durations only
// from former runs on the same machine, and otherwise goes by the size of the files.
import Sequencer from '@jest/test-sequencer';

/** Beginnings of paths, in the order in which they start. */
const computing = [
  'packages/e2e/test/drain.',
  'packages/e2e/test/security/fuzzing.',
  'packages/e2e/test/security/open-api.',
  'packages/chaos/test/short-run.',
  'packages/e2e/test/own-sockets.',
  'services/user/test/program.',
  'packages/e2e/test/security/authorization.',
  'packages/e2e/test/all-in-one.',
  'packages/e2e/test/security/revocation.',
  'packages/e2e/test/deployed.',
  'packages/e2e/test/rebuilt.',
  'services/payment/test/crashes.',
  'packages/bench/test/bench.',
  'packages/deploy-checks/test/kubernetes',
];
const waiting = [
  'packages/e2e/test/lost-queues.',
  'packages/unit-of-work/test/retention.',
  'packages/unit-of-work/test/feeds-due.',
  'packages/local-postgres/',
  'services/notification/test/fair-share.',
  'packages/realtime/test/floods.',
  'services/all-in-one/test/supervise.',
  'packages/e2e/test/broker-alarms.',
  'packages/realtime/test/slow-client.',
  'packages/realtime/test/unjoined.',
  'packages/event-bus/test/rabbitmq-outages.',
  'packages/realtime/test/tokens.',
  'packages/node-bus/test/rabbitmq.',
  'packages/service-kit/test/outages.',
];
const first = computing.flatMap((beginning, index) => [beginning, waiting[index]]);

export default class LongestFirst extends Sequencer {
  async sort(tests) {
    const rest = await super.sort(tests);
    const rank = ({ path, context }) => {
      const file = path.slice(context.config.rootDir.length + 1).replaceAll('\\', '/');
      const index = first.findIndex((beginning) => file.startsWith(beginning));
      return index < 0 ? first.length : index;
    };
    return [...rest].sort((a, b) => rank(a) - rank(b)); // Stable: others keep their order.
  }
}
