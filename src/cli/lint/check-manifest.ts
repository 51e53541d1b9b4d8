import { scaleTargetOf, usesScalingModifiers } from '../../api/defaults.ts';
import type { PodSpec, ScaledJob, ScaledObject, Trigger } from '../../api/index.ts';
import { KINDS, type KindName, type KindTypes, kindNamed } from '../../api/kinds.ts';
import { EVENTING_GROUP, KEDA_GROUP } from '../../api/resources.ts';
import { checkResourceRequests, checkRules, type LimitRange, type RuleProblem } from '../../api/rules/index.ts';
import { salvage } from '../../api/salvage.ts';
import { validateObject } from '../../api/validate.ts';
import { nearest } from '../../base/nearest.ts';
import { apiVersionOf } from '../../base/object.ts';
import { formulaFault } from '../../decision/formula/index.ts';
import { judgeTrigger } from '../../scalers/judge-trigger.ts';
import { nothingKnown } from '../../scalers/partly-known.ts';
import { formatPath, type Path, parsePath } from '../../spec/object-path.ts';
import type { ObjectProblem } from '../../spec/object-problem.ts';
import { checkKeys, findTarget } from './check-references.ts';
import { credentialsOf } from './credentials.ts';
import { environmentOf } from './environment.ts';
import type { Finding } from './finding.ts';
import { groupOf, type ManifestIndex, titleOf } from './objects.ts';
import type { Manifest } from './parse-manifests.ts';

/** Collects findings of one manifest; a field is blamed once, by whoever comes first. */
export interface Report {
  add(path: Path, severity: Finding['severity'], message: string, hint?: string): void;
  readonly findings: Finding[];
}

export function reportOn(manifest: Manifest): Report {
  const findings: Finding[] = [];
  const blamed = new Set<string>();
  return {
    findings,
    add(path, severity, message, hint) {
      const field = formatPath(path);
      if (blamed.has(field)) return;
      blamed.add(field);
      findings.push({
        file: manifest.file,
        ...manifest.locate(path),
        object: titleOf(manifest),
        field,
        severity,
        message,
        ...(hint === undefined ? {} : { hint }),
      });
    },
  };
}

export interface CheckedManifest {
  findings: Finding[];
  kind: KindName | undefined;
  /** The well-formed part of the object, when it is of one of our kinds. */
  object: KindTypes[KindName] | undefined;
}

/** Everything about one manifest that needs no look at its rivals. Kinds that are not ours have no findings. */
export function checkManifest(manifest: Manifest, index: ManifestIndex): CheckedManifest {
  const { apiVersion, kind: given } = manifest.object;
  const kind = kindNamed(apiVersion, given);
  const report = reportOn(manifest);
  if (kind === undefined) {
    checkStranger(apiVersion, given, report);
    return { findings: report.findings, kind, object: undefined };
  }
  const { raw, problems, warnings } = validateObject(kind, manifest.object);
  for (const { path, message } of problems) report.add(parsePath(path), 'error', message);
  const object = salvage(raw, problems) as unknown as KindTypes[typeof kind];
  const judged = withFieldsOfOldCrds(kind, object, manifest);
  for (const { path, message, effect } of rulesOf(kind, judged, problems))
    report.add(parsePath(path), effect === 'warn' ? 'warning' : 'error', message);
  for (const { path, message } of warnings) report.add(parsePath(path), 'warning', message);
  if (kind === 'ScaledObject') checkScaledObject(object as ScaledObject, report, index);
  if (kind === 'ScaledJob') checkScaledJob(object as ScaledJob, report, index);
  if (kind === 'TriggerAuthentication')
    for (const finding of checkKeys(manifest, (object as KindTypes['TriggerAuthentication']).spec, index))
      report.add(finding.path, finding.severity, finding.message);
  return { findings: report.findings, kind, object };
}

/** Groups of ours, and the one that KEDA 1 had. */
const GROUPS = [KEDA_GROUP, EVENTING_GROUP, 'keda.k8s.io'];

/** An object that is in a group of ours but of no kind there; all others are somebody else's. */
function checkStranger(apiVersion: unknown, kind: unknown, report: Report): void {
  if (!GROUPS.includes(groupOf(apiVersion))) return;
  const known = Object.hasOwn(KINDS, String(kind)) ? KINDS[kind as KindName].type : undefined;
  const meant = nearest(String(kind), Object.keys(KINDS));
  if (known !== undefined) report.add(['apiVersion'], 'error', `must be ${apiVersionOf(known)} for ${known.kind}`);
  else
    report.add(['kind'], 'error', `${kind} is not a kind of ${apiVersion}${meant ? `; did you mean ${meant}?` : ''}`);
}

/** Rules expect a whole object; on the remains of a broken one a rule may fail, and the rest is said next time. */
function rulesOf<K extends KindName>(kind: K, object: KindTypes[K], problems: readonly ObjectProblem[]): RuleProblem[] {
  try {
    return checkRules(kind, object, { checkFormula: formulaFault });
  } catch (error) {
    if (problems.length > 0) return [];
    throw error;
  }
}

/** The CRD of ScaledJob drops a trigger's metricType; a rule says better than "unknown field" why it cannot stand. */
function withFieldsOfOldCrds<T extends KindTypes[KindName]>(kind: KindName, object: T, manifest: Manifest): T {
  if (kind !== 'ScaledJob') return object;
  const written = (manifest.object.spec as { triggers?: unknown } | undefined)?.triggers;
  const job = structuredClone(object) as ScaledJob;
  job.spec.triggers.forEach((trigger: Trigger, index) => {
    const metricType = Array.isArray(written) ? (written[index] as Trigger | null)?.metricType : undefined;
    if (metricType) trigger.metricType = metricType;
  });
  return job as unknown as T;
}

function checkScaledObject(object: ScaledObject, report: Report, index: ManifestIndex): void {
  const { name, envSourceContainerName } = object.spec.scaleTargetRef;
  const target = name === '' ? undefined : findTarget(object, index);
  if (name !== '' && target === undefined)
    report.add(
      ['spec', 'scaleTargetRef', 'name'],
      'warning',
      `${scaleTargetOf(object).kind} ${name} is not in these files, so what it has was not checked`,
    );
  checkRequests(object, target, report, index);
  const template = (target?.object.spec as { template?: { spec?: PodSpec } } | undefined)?.template;
  const path = ['spec', 'scaleTargetRef', 'envSourceContainerName'];
  checkTriggers(
    object,
    'ScaledObject',
    { pod: template?.spec, container: envSourceContainerName, path },
    report,
    index,
  );
}

/** Admission refuses what this finds unless a LimitRange of the cluster steps in, which files cannot tell. */
function checkRequests(object: ScaledObject, target: Manifest | undefined, report: Report, index: ManifestIndex): void {
  const template = (target?.object.spec as { template?: { spec?: PodSpec } } | undefined)?.template;
  if (!Array.isArray(template?.spec?.containers)) return;
  const limitRanges = index.all
    .filter(({ object: other }) => other.kind === 'LimitRange')
    .map(({ object: other }) => other as LimitRange);
  for (const { path, message } of checkResourceRequests(object, template.spec, limitRanges))
    report.add(parsePath(path), 'warning', message);
}

function checkScaledJob(job: ScaledJob, report: Report, index: ManifestIndex): void {
  const pod = job.spec.jobTargetRef.template.spec;
  const container = job.spec.envSourceContainerName;
  checkTriggers(job, 'ScaledJob', { pod, container, path: ['spec', 'envSourceContainerName'] }, report, index);
}

interface EnvironmentSource {
  pod: PodSpec | undefined;
  container: string | undefined;
  /** Field that names the container. */
  path: Path;
}

function checkTriggers(
  object: ScaledObject | ScaledJob,
  objectKind: 'ScaledObject' | 'ScaledJob',
  { pod, container, path }: EnvironmentSource,
  report: Report,
  index: ManifestIndex,
): void {
  const namespace = object.metadata.namespace ?? '';
  const containers = pod?.containers;
  if (container && Array.isArray(containers) && !containers.some(({ name }) => name === container))
    report.add(
      path,
      'error',
      `the target has no container ${container}; it has ${containers.map(({ name }) => name).join(', ')}`,
    );
  const environment = pod === undefined ? nothingKnown() : environmentOf(pod, container, namespace, index);
  object.spec.triggers.forEach((trigger: Trigger, triggerIndex) => {
    const { authenticationRef: ref } = trigger;
    const credentials = credentialsOf(ref?.name ? ref : undefined, namespace, environment, index);
    const at: Path = ['spec', 'triggers', triggerIndex];
    if (ref?.name && credentials.manifest === undefined)
      report.add(
        [...at, 'authenticationRef', 'name'],
        'warning',
        `${ref.kind ?? 'TriggerAuthentication'} ${ref.name} is not in these files, so what it gives was not checked`,
      );
    if (!trigger.type) return;
    const context = {
      triggerIndex,
      namespace,
      objectName: object.metadata.name,
      objectKind,
      triggerName: trigger.name,
      metricType: trigger.metricType,
      asMetricSource: objectKind === 'ScaledObject' && usesScalingModifiers(object as ScaledObject),
    };
    // A reference that is itself broken hides everything it would give.
    const broken = ref !== undefined && !ref.name;
    const around = {
      context,
      environment,
      parameters: broken ? nothingKnown() : credentials.parameters,
      podIdentity: broken ? undefined : credentials.podIdentity,
    };
    for (const finding of judgeTrigger(trigger, around))
      report.add(finding.path, finding.severity, finding.message, finding.hint);
  });
}
