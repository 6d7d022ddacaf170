import type { ComposeFile, ComposeService } from '../support/compose.js';
import { closingSeconds, seconds } from '../support/seconds.js';
import { reads, type ServiceFacts, services } from '../support/services.js';

/** Each answers what is wrong, one line a finding. */
export const composeRules = {
  'each service starts with its environment': (file: ComposeFile) =>
    services.flatMap((facts) => {
      const environment = own(file, facts).environment ?? {};
      const unknown = Object.keys(environment).filter((name) => !reads(facts, name));
      return [
        ...unknown.map((name) => `${facts.name} does not read ${name}`),
        ...facts.problemsOf(environment),
      ];
    }),

  'services publish their port on this machine only, nothing else is published': (file: ComposeFile) =>
    Object.entries(file.services).flatMap(([name, { ports = [] }]) => {
      const facts = services.find((candidate) => candidate.name === name);
      const wanted = facts ? [`127.0.0.1:${facts.port}:${facts.port}`] : [];
      return String(ports) === String(wanted) ? [] : [`${name} publishes "${ports}" instead of "${wanted}"`];
    }),

  'broker and database can be reached by services only': (file: ComposeFile) =>
    ['rabbitmq', 'postgres'].flatMap((name) => {
      const open = (file.services[name]?.networks ?? ['default']).filter(
        (network) => !file.networks[network]?.internal,
      );
      return open.map((network) => `${name} is on ${network}, which is not internal`);
    }),

  'services run without privileges on a read-only root': (file: ComposeFile) =>
    services.flatMap((facts) => {
      const { read_only, tmpfs = [], cap_drop = [], security_opt = [] } = own(file, facts);
      const safe = read_only === true && tmpfs.length > 0 && cap_drop.includes('ALL');
      return safe && security_opt.includes('no-new-privileges:true')
        ? []
        : [`${facts.name} may do more than it needs`];
    }),

  'services have the time to drain': (file: ComposeFile) =>
    services.flatMap((facts) => {
      const { environment = {}, stop_grace_period } = own(file, facts);
      const needed = Number(environment.DRAIN_SECONDS) + closingSeconds;
      const given = seconds(stop_grace_period);
      return given > needed ? [] : [`${facts.name} is killed after ${given} s but may need ${needed} s`];
    }),

  'services wait for a healthy broker and database': (file: ComposeFile) =>
    services.flatMap((facts) =>
      ['rabbitmq', 'postgres'].flatMap((needed) => {
        const condition = own(file, facts).depends_on?.[needed]?.condition;
        const answers = file.services[needed]?.healthcheck !== undefined;
        return condition === 'service_healthy' && answers
          ? []
          : [`${facts.name} does not wait for ${needed}`];
      }),
    ),

  'images are built from the service’s own Dockerfile or carry a version': (file: ComposeFile) =>
    Object.entries(file.services).flatMap(([name, { image, build }]) => {
      const tag = /:([^:/]+)$/.exec(image)?.[1];
      const facts = services.find((candidate) => candidate.name === name);
      if (!tag || tag === 'latest') return [`${name} uses ${image}, which may change by itself`];
      const own = facts === undefined || build?.dockerfile === `services/${name}/Dockerfile`;
      return own ? [] : [`${name} is not built from its own Dockerfile`];
    }),
};

/** Passwords stand in the file as variables with a default that says what it is. */
export function openPasswords(text: string): string[] {
  const urls = [...text.matchAll(/\w+:\/\/\w+:([^@\s]+)@/g)];
  const fields = [...text.matchAll(/PASSWORD: (\S+)|"password": "([^"]*)"/g)];
  const values = [...urls, ...fields].map((match) => match[1] ?? match[2] ?? '');
  if (values.length === 0) return ['no password was found at all'];
  return values.filter((value) => !/^\$\{WARREN_\w+_PASSWORD:-development-only\}$/.test(value));
}

function own(file: ComposeFile, { name }: ServiceFacts): ComposeService {
  const found = file.services[name];
  if (!found) throw new Error(`docker-compose.yml has no service ${name}`);
  return found;
}
