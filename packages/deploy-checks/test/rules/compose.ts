import { type ComposeFile, type ComposeService, mountedSecrets, secretText } from '../support/compose.js';
import { closingSeconds, seconds } from '../support/seconds.js';
import { reads, type ServiceFacts, services } from '../support/services.js';

/** Each answers what is wrong, one line a finding. */
export const composeRules = {
  'each service starts with its environment': (file: ComposeFile) =>
    services.flatMap((facts) => {
      const { environment = {}, ...service } = own(file, facts);
      const unknown = Object.keys(environment).filter((name) => !reads(facts, name));
      return [
        ...unknown.map((name) => `${facts.name} does not read ${name}`),
        ...facts.problemsOf(withSecrets(file, service, environment)),
      ];
    }),

  'what has no default can be set': (file: ComposeFile) =>
    services.flatMap((facts) => {
      const given = Object.keys(own(file, facts).environment ?? {});
      const missing = [...facts.operators].filter((name) => !given.includes(name));
      return missing.map((name) => `${facts.name} is never given ${name}`);
    }),

  'passwords are in secret files, which say that they are for development only': (file: ComposeFile) => [
    ...Object.entries(file.services).flatMap(([name, { environment = {} }]) =>
      Object.entries(environment)
        .filter(([variable, value]) => /:\/\/[^/@]*:[^/@]*@/.test(value) || /_PASSWORD$/.test(variable))
        .map(([variable]) => `${name} has a password in ${variable}`),
    ),
    ...Object.values(file.services)
      .flatMap((service) => [...mountedSecrets(service).values()])
      .filter((secret) => !secretText(file, secret).includes('development-only'))
      .map((secret) => `${secret} does not say that it is for development only`),
  ],

  'a changed secret replaces every container that reads one': (file: ComposeFile) =>
    Object.entries(file.services)
      .filter(([, { secrets, labels }]) => secrets && !labels?.['dev.warren.secrets'])
      .map(([name]) => `${name} has no digest of its secrets`),

  'health checks are seldom and start no virtual machine': (file: ComposeFile) =>
    Object.entries(file.services).flatMap(([name, { healthcheck = {} }]) => {
      const { disable, test = [], interval, start_period, start_interval } = healthcheck;
      if (disable) return [];
      const dear = test.find((word) => /^(node|rabbitmq-diagnostics|rabbitmqctl)\b/.test(word));
      return [
        ...(dear ? [`${name} starts ${dear} for each check`] : []),
        ...(seconds(interval) >= 30 ? [] : [`${name} is asked every ${interval}`]),
        ...(seconds(start_period) >= 30 && seconds(start_interval) <= 2 && start_interval
          ? []
          : [`${name} is not asked often while it starts`]),
      ];
    }),

  'mails survive their container': (file: ComposeFile) => {
    const { environment = {}, volumes = [] } = file.services.notification ?? {};
    const kept = volumes.some((volume) => {
      const [source = '', target = ''] = volume.split(':');
      return source in file.volumes && `${environment.MAIL_DIR}/`.startsWith(`${target}/`);
    });
    return kept ? [] : [`${environment.MAIL_DIR} is on no volume`];
  },

  'each container is bounded in CPU, memory, processes and logs': (file: ComposeFile) =>
    Object.entries(file.services).flatMap(([name, { deploy, logging }]) => {
      const { cpus, memory, pids } = deploy?.resources?.limits ?? {};
      return [
        // Docker refuses more CPUs than the machine has.
        ...(Number(cpus) > 0 && Number(cpus) <= 1 ? [] : [`${name} has ${cpus} CPUs`]),
        ...(memory ? [] : [`${name} has no memory limit`]),
        ...(Number(pids) > 0 ? [] : [`${name} has no limit of processes`]),
        ...(logging?.options?.['max-size'] && logging.options['max-file'] ? [] : [`${name} logs for ever`]),
      ];
    }),

  'builds take base image, registry and what it asks for': (file: ComposeFile) =>
    services.flatMap((facts) => {
      const { args = {}, secrets = [] } = own(file, facts).build ?? {};
      const given = [...Object.keys(args), ...secrets];
      const wanted = ['BASE_IMAGE', 'NPM_CONFIG_REGISTRY', 'VERSION', 'REVISION', 'npmrc', 'ca'];
      return wanted
        .filter((name) => !given.includes(name))
        .map((name) => `${facts.name} builds without ${name}`);
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

  'databases are migrated by the role that owns them, before the service starts with less': (
    file: ComposeFile,
  ) =>
    services.flatMap((facts) => {
      const { environment = {}, depends_on = {}, image, ...service } = own(file, facts);
      const job = file.services[`${facts.name}-migrate`];
      if (!job) return [`nothing migrates the database of ${facts.name}`];
      const as = withSecrets(file, job, job.environment ?? {});
      const runs = withSecrets(file, service, environment);
      const owner = `warren_${facts.name}_owner`;
      return [
        ...(String(job.command) === 'node,dist/main.js,--migrate-only'
          ? []
          : [`${facts.name} runs ${job.command}`]),
        ...(job.image === image && job.pull_policy === 'never'
          ? []
          : [`${facts.name} migrates by ${job.image}`]),
        ...(job.restart === 'no' ? [] : [`${facts.name} migrates again and again`]),
        ...(userOf(as.MIGRATE_DATABASE_URL) === owner && as.DATABASE_URL === runs.DATABASE_URL
          ? []
          : [`${facts.name} is migrated by ${userOf(as.MIGRATE_DATABASE_URL)}`]),
        ...(userOf(runs.DATABASE_URL) === `warren_${facts.name}` && runs.MIGRATE === 'off'
          ? []
          : [`${facts.name} runs as ${userOf(runs.DATABASE_URL)}`]),
        ...([...mountedSecrets(service as ComposeService).values()].some((name) => name.includes('owner'))
          ? [`${facts.name} can read the owner's password`]
          : []),
        ...(depends_on[`${facts.name}-migrate`]?.condition === 'service_completed_successfully'
          ? []
          : [`${facts.name} does not wait for its migrations`]),
      ];
    }),

  'images are built from the service’s own Dockerfile or carry a version': (file: ComposeFile) =>
    Object.entries(file.services).flatMap(([name, { image, build }]) => {
      const tag = /:([^:/]+)$/.exec(image)?.[1];
      const facts = services.find((candidate) => candidate.name === name);
      if (!tag || tag === 'latest') return [`${name} uses ${image}, which may change by itself`];
      const own = facts === undefined || build?.dockerfile === `services/${name}/Dockerfile`;
      return own ? [] : [`${name} is not built from its own Dockerfile`];
    }),
};

/** The environment with what the files hold that it names, as the service itself would read it. */
function withSecrets(
  file: ComposeFile,
  service: Pick<ComposeService, 'secrets'>,
  environment: Readonly<Record<string, string>>,
): Record<string, string> {
  const mounted = mountedSecrets(service as ComposeService);
  return Object.fromEntries(
    Object.entries(environment).map(([name, value]) => {
      if (!name.endsWith('_FILE')) return [name, value];
      const secret = mounted.get(value);
      return [name.slice(0, -'_FILE'.length), secret ? secretText(file, secret).trim() : ''];
    }),
  );
}

function userOf(url = 'none://nobody'): string {
  return new URL(url).username;
}

function own(file: ComposeFile, { name }: ServiceFacts): ComposeService {
  const found = file.services[name];
  if (!found) throw new Error(`docker-compose.yml has no service ${name}`);
  return found;
}
