// Prints what the generator would write, as JSON: `stale` prints the paths of files that are out of date; `extra <folder>`
// prints the files of a checkout in this folder that has one more service, by path.

import { filesOfServices, staleFiles } from '../../../../scripts/generate/index.mjs';
import { describeServices, findServices } from '../../../../scripts/lib/services.mjs';

const [what, folder] = process.argv.slice(2);
if (what === 'stale') {
  console.log(JSON.stringify([...(await staleFiles()).keys()]));
} else {
  const known = await describeServices();
  const extra = findServices(folder)
    .filter(({ name }) => !known.some((service) => service.name === name))
    .map((service) => ({
      ...service,
      port: 4042,
      internalPort: 5042,
      contract: { emits: { 'extra.happened': {} } },
      consumes: ['user.registered'],
      config: { properties: { EXTRA_LEVEL: { type: 'string', description: 'A setting of this service.' } } },
    }));
  console.log(JSON.stringify(await filesOfServices([...known, ...extra], folder)));
}
