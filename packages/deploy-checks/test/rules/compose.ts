import { type ComposeFile, type ComposeService, mountedSecrets, secretText } from '../support/compose.js';
import { closingSeconds, seconds } from '../support/seconds.js';
import { reads, type ServiceFacts, services } from '../support/services.js';

/** Each rule returns its findings, one string each. */
export const composeRules = {
  'starts each service with a valid environment': (file: ComposeFile) =>
    services.flatMap((facts) => {
      const { environment = {}, ...service } = own(file, facts);
      const unknown = Object.keys(environment).filter((name) => !reads(facts, name));
      return [
        ...unknown.map((name) => `${facts.name} does not read ${name}`),
        ...facts.problemsOf(withSecrets(file, service, environment)),
      ];
    }),

  'passes every setting without a default': (file: ComposeFile) =>
    services.flatMap((facts) => {
      const given = Object.keys(own(file, facts).environment ?? {});
      const missing = [...facts.operators].filter((name) => !given.includes(name));
      return missing.map((name) => `${facts.name} is never given ${name}`);
    }),

  'keeps passwords in secret files that are marked for development only': (file: ComposeFile) => [
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

  'labels each container that reads secrets with their digest': (file: ComposeFile) =>
    Object.entries(file.services)
      .filter(([, { secrets, labels }]) => secrets && !labels?.['dev.warren.secrets'])
      .map(([name]) => `${name} has no digest of its secrets`),

  'runs health checks rarely, and starts no virtual machine for them': (file: ComposeFile) =>
    Object.entries(file.services).flatMap(([name, { healthcheck = {} }]) => {
      const { disable, test = [], interval, start_period, start_interval } = healthcheck;
      if (disable) return [];
      const dear = test.find((word) => /^(node|rabbitmq-diagnostics|rabbitmqctl)\b/.test(word));
      return [
        ...(dear ? [`${name} starts ${dear} for each check`] : []),
        ...(seconds(interval) >= 30 ? [] : [`${name} is checked every ${interval}`]),
        ...(seconds(start_period) >= 30 && seconds(start_interval) <= 2 && start_interval
          ? []
          : [`${name} is not checked often while it starts`]),
      ];
    }),

  'keeps mails on a volume': (file: ComposeFile) => {
    const { environment = {}, volumes = [] } = file.services.notification ?? {};
    const kept = volumes.some((volume) => {
      const [source = '', target = ''] = volume.split(':');
      return source in file.volumes && `${environment.MAIL_DIR}/`.startsWith(`${target}/`);
    });
    return kept ? [] : [`${environment.MAIL_DIR} is on no volume`];
  },

  'limits CPU, memory, processes and logs of each container': (file: ComposeFile) =>
    Object.entries(file.services).flatMap(([name, { deploy, logging }]) => {
      const { cpus, memory, pids } = deploy?.resources?.limits ?? {};
      return [
        // Docker refuses to give a container more CPUs than the machine has.
        ...(Number(cpus) > 0 && Number(cpus) <= 1 ? [] : [`${name} has ${cpus} CPUs`]),
        ...(memory ? [] : [`${name} has no memory limit`]),
        ...(Number(pids) > 0 ? [] : [`${name} has no limit of processes`]),
        ...(logging?.options?.['max-size'] && logging.options['max-file'] ? [] : [`${name} logs for ever`]),
      ];
    }),

  'passes base image, registry and registry credentials to builds': (file: ComposeFile) =>
    services.flatMap((facts) => {
      const { args = {}, secrets = [] } = own(file, facts).build ?? {};
      const given = [...Object.keys(args), ...secrets];
      const wanted = ['BASE_IMAGE', 'NPM_CONFIG_REGISTRY', 'VERSION', 'REVISION', 'npmrc', 'ca'];
      return wanted
        .filter((name) => !given.includes(name))
        .map((name) => `${facts.name} builds without ${name}`);
    }),

  'publishes only the ports of services, and only on this machine': (file: ComposeFile) =>
    Object.entries(file.services).flatMap(([name, { ports = [] }]) => {
      const facts = services.find((candidate) => candidate.name === name);
      const wanted = facts ? [`127.0.0.1:${facts.port}:${facts.port}`] : [];
      return String(ports) === String(wanted) ? [] : [`${name} publishes "${ports}" instead of "${wanted}"`];
    }),

  'puts broker and database on a network that only services reach': (file: ComposeFile) =>
    ['rabbitmq', 'postgres'].flatMap((name) => {
      const open = (file.services[name]?.networks ?? ['default']).filter(
        (network) => !file.networks[network]?.internal,
      );
      return open.map((network) => `${name} is on ${network}, which is not internal`);
    }),

  'runs services without privileges and with a read-only root': (file: ComposeFile) =>
    services.flatMap((facts) => {
      const { read_only, tmpfs = [], cap_drop = [], security_opt = [] } = own(file, facts);
      const safe = read_only === true && tmpfs.length > 0 && cap_drop.includes('ALL');
      return safe && security_opt.includes('no-new-privileges:true')
        ? []
        : [`${facts.name} may do more than it needs`];
    }),

  'gives services time to drain': (file: ComposeFile) =>
    services.flatMap((facts) => {
      const { environment = {}, stop_grace_period } = own(file, facts);
      const needed = Number(environment.DRAIN_SECONDS) + closingSeconds;
      const given = seconds(stop_grace_period);
      return given > needed ? [] : [`${facts.name} is killed after ${given} s but may need ${needed} s`];
    }),

  'starts services after broker and database are healthy': (file: ComposeFile) =>
    services.flatMap((facts) =>
      ['rabbitmq', 'postgres'].flatMap((needed) => {
        const condition = own(file, facts).depends_on?.[needed]?.condition;
        const answers = file.services[needed]?.healthcheck !== undefined;
        return condition === 'service_healthy' && answers
          ? []
          : [`${facts.name} does not wait for ${needed}`];
      }),
    ),

  'migrates each database as its owner before the service starts as a role with fewer rights': (
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

  'builds each service from its own Dockerfile, and names other images by version': (file: ComposeFile) =>
    Object.entries(file.services).flatMap(([name, { image, build }]) => {
      const tag = /:([^:/]+)$/.exec(image)?.[1];
      const facts = services.find((candidate) => candidate.name === name);
      if (!tag || tag === 'latest') return [`${name} uses ${image}, which may change by itself`];
      const own = facts === undefined || build?.dockerfile === `services/${name}/Dockerfile`;
      return own ? [] : [`${name} is not built from its own Dockerfile`];
    }),
};

/** The environment with the contents of the files that it names, as the service would read it. */
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
