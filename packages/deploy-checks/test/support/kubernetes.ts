import { resolve } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { pathOf } from './repository.js';
import { missing, run } from './tools.js';

/** The parts of Kubernetes objects that the checks use. */
export interface KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  data?: Record<string, string>;
  automountServiceAccountToken?: boolean;
  spec?: Record<string, unknown>;
}

export interface Container {
  name: string;
  image: string;
  imagePullPolicy?: string;
  env?: Array<{ name: string; value?: string; valueFrom?: object }>;
  envFrom?: Array<{ configMapRef?: { name: string }; secretRef?: { name: string } }>;
  args?: string[];
  ports?: Array<{ name: string; containerPort: number }>;
  startupProbe?: Probe;
  readinessProbe?: Probe;
  livenessProbe?: Probe;
  lifecycle?: { preStop?: { sleep?: { seconds: number } } };
  resources?: { requests?: Record<string, string>; limits?: Record<string, string> };
  securityContext?: {
    allowPrivilegeEscalation?: boolean;
    readOnlyRootFilesystem?: boolean;
    capabilities?: { drop?: string[] };
  };
  volumeMounts?: Array<{ name: string; mountPath: string }>;
}

export interface Probe {
  httpGet?: { path: string; port: string | number };
  periodSeconds?: number;
  failureThreshold?: number;
}

export interface PodSpec {
  serviceAccountName?: string;
  automountServiceAccountToken?: boolean;
  enableServiceLinks?: boolean;
  terminationGracePeriodSeconds?: number;
  securityContext?: {
    runAsNonRoot?: boolean;
    runAsUser?: number;
    seccompProfile?: { type: string };
  };
  topologySpreadConstraints?: Array<{ topologyKey: string }>;
  initContainers?: Container[];
  containers: Container[];
  volumes?: Array<{
    name: string;
    secret?: { secretName: string };
    configMap?: { name: string };
    emptyDir?: object;
  }>;
}

/** `npm test` names the program that renders, which it installs if needed. Otherwise the checks use kubectl. */
const { WARREN_TEST_KUSTOMIZE: brought, WARREN_TEST_KUSTOMIZE_UNAVAILABLE: notBrought } = process.env;
const [program, ...args]: string[] = brought ? JSON.parse(brought) : ['kubectl', 'kustomize'];

/** Why manifests can't be rendered here, or `undefined`. */
export const renderingUnavailable =
  notBrought || (program && !missing(program, [...args, '--help']))
    ? notBrought
    : 'kubectl is not installed; `npm test` brings what renders the manifests';

/** Renders the objects that `kubectl apply -k <folder>` would send. */
export function render(folder: string): KubernetesObject[] {
  if (!program || renderingUnavailable) throw new Error(renderingUnavailable);
  const text = run(program, [...args, resolve(pathOf('.'), folder)]);
  return parseAllDocuments(text).map((document) => unfolded(document.toJS() as KubernetesObject));
}

/** Removes line breaks from base64, which kustomize adds and Kubernetes accepts, but its schema does not. */
function unfolded(object: KubernetesObject): KubernetesObject {
  if (object.kind !== 'Secret') return object;
  const data = Object.entries(object.data ?? {}).map(([key, value]) => [key, value.replaceAll(/\s/g, '')]);
  return { ...object, data: Object.fromEntries(data) };
}

export function one(objects: readonly KubernetesObject[], kind: string, name: string): KubernetesObject {
  const matching = objects.filter((object) => object.kind === kind && object.metadata.name === name);
  const [object] = matching;
  if (!object || matching.length > 1) throw new Error(`${matching.length} objects are ${kind} ${name}`);
  return object;
}

export function podsOf(object: KubernetesObject): PodSpec | undefined {
  const template = object.spec?.template as { spec: PodSpec } | undefined;
  return template?.spec;
}

/** The pod of a workload. Throws if it has none. */
export function pod(objects: readonly KubernetesObject[], kind: string, name: string): PodSpec {
  const spec = podsOf(one(objects, kind, name));
  if (!spec) throw new Error(`${kind} ${name} has no pods`);
  return spec;
}

export function container(spec: PodSpec, name: string): Container {
  const wanted = [...(spec.initContainers ?? []), ...spec.containers].find(
    (candidate) => candidate.name === name,
  );
  if (!wanted) throw new Error(`There is no container ${name}`);
  return wanted;
}
