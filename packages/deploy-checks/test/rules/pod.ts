import type { Container, PodSpec } from '../support/kubernetes.js';

/** Checks the `restricted` pod security standard, the API token and the service account. */
export function podSecurityProblems(spec: PodSpec, options: { readOnlyRoot: boolean }): string[] {
  const problems: string[] = [];
  const { securityContext = {} } = spec;
  if (securityContext.runAsNonRoot !== true || !((securityContext.runAsUser ?? 0) > 0))
    problems.push('runs as root');
  if (securityContext.seccompProfile?.type !== 'RuntimeDefault') problems.push('has no seccomp profile');
  if (spec.automountServiceAccountToken !== false) problems.push('mounts a token for the API server');
  if (!spec.serviceAccountName) problems.push('has no service account of its own');
  for (const container of allContainers(spec)) {
    const { allowPrivilegeEscalation, capabilities, readOnlyRootFilesystem } =
      container.securityContext ?? {};
    const says = (problem: string) => problems.push(`${container.name} ${problem}`);
    if (allowPrivilegeEscalation !== false) says('may escalate privileges');
    if (!capabilities?.drop?.includes('ALL')) says('keeps capabilities');
    if (options.readOnlyRoot && readOnlyRootFilesystem !== true) says('can write its root');
  }
  return problems;
}

/** Checks requests, limits and the image. */
export function containerProblems(spec: PodSpec): string[] {
  return allContainers(spec).flatMap(({ name, image, imagePullPolicy, resources }) => {
    const problems: string[] = [];
    const tag = /:([^:/]+)$/.exec(image)?.[1];
    if (!tag || tag === 'latest') problems.push(`${name} uses ${image}, which may change by itself`);
    // An image that was loaded into the cluster is in no registry, and tags are unique.
    if (imagePullPolicy !== 'IfNotPresent') problems.push(`${name} is pulled ${imagePullPolicy}`);
    for (const kind of ['requests', 'limits'] as const) {
      if (!resources?.[kind]?.cpu || !resources[kind].memory) problems.push(`${name} has no ${kind}`);
    }
    return problems;
  });
}

function allContainers({ initContainers = [], containers }: PodSpec): Container[] {
  return [...initContainers, ...containers];
}
