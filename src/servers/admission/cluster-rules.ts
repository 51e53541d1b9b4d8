import { TRANSFER_HPA_OWNERSHIP } from '../../api/annotations.ts';
import { scaleTargetOf } from '../../api/defaults.ts';
import type { ScaledJob, ScaledObject } from '../../api/index.ts';
import { checkResourceRequests, isResourceTrigger } from '../../api/rules/index.ts';
import { describeError } from '../../base/errors.ts';
import { formatPath, type Path } from '../../spec/object-path.ts';
import { claimOf } from './claims.ts';
import type { ClusterFacts, Question } from './cluster-facts.ts';
import { note } from './review.ts';
import type { AdmissionProblem, Verdict } from './types.ts';

export interface ClusterQuestion extends Question {
  dryRun: boolean;
}

const TARGET: Path = ['spec', 'scaleTargetRef', 'name'];
const HPA_NAME: Path = ['spec', 'advanced', 'horizontalPodAutoscalerConfig', 'name'];

/**
 * Rules over a ScaledObject and what else is in the cluster. What cannot be read is told in a note and refuses nothing:
 * admission must not stand in the way when the API server is slow or a role is missing.
 */
export async function checkScaledObjectInCluster(
  object: ScaledObject,
  facts: ClusterFacts,
  question: ClusterQuestion,
): Promise<Verdict> {
  const checks: [Path, string, () => Promise<Verdict>][] = [
    [['spec', 'scaleTargetRef', 'kind'], 'that the kind exists', () => checkKind(object, facts, question)],
    [TARGET, 'whether another ScaledObject scales it', () => checkScaledObjects(object, facts, question)],
    [TARGET, 'whether an HPA scales it', () => checkAutoscalers(object, facts, question)],
    [TARGET, 'that it requests what is to be measured', () => checkRequests(object, facts, question)],
  ];
  return merged(
    await Promise.all(
      checks.map(async ([path, what, check]) => {
        try {
          return await check();
        } catch (error) {
          return noted(path, `${what} could not be checked, so it was not: ${describeError(error)}`);
        }
      }),
    ),
  );
}

/** Authentications that triggers refer to and that do not exist yet. They may come later, so nothing is refused. */
export async function checkAuthentications(
  object: ScaledObject | ScaledJob,
  facts: ClusterFacts,
  { signal }: Question,
): Promise<Verdict> {
  const namespace = object.metadata.namespace ?? '';
  return merged(
    await Promise.all(
      object.spec.triggers.map(async ({ authenticationRef: ref }, index) => {
        if (!ref?.name) return nothing();
        try {
          if (await facts.hasAuthentication(ref, namespace, signal)) return nothing();
        } catch {
          // Only a courtesy: the reconcile tells it as well.
          return nothing();
        }
        return noted(
          ['spec', 'triggers', index, 'authenticationRef', 'name'],
          ref.kind === 'ClusterTriggerAuthentication'
            ? `there is no ClusterTriggerAuthentication ${ref.name} yet; the trigger waits for it`
            : `there is no TriggerAuthentication ${ref.name} in namespace ${namespace} yet; the trigger waits for it`,
        );
      }),
    ),
  );
}

async function checkKind(object: ScaledObject, facts: ClusterFacts, { signal }: Question): Promise<Verdict> {
  const { apiVersion, kind } = scaleTargetOf(object);
  if (await facts.servesKind(apiVersion, kind, signal)) return nothing();
  const field = object.spec.scaleTargetRef.kind ? 'kind' : 'apiVersion';
  return refused(
    'scale-target-kind',
    ['spec', 'scaleTargetRef', field],
    `the cluster has no ${kind} in ${apiVersion}: correct scaleTargetRef, or install the CRD first`,
    object.spec.scaleTargetRef[field],
  );
}

async function checkScaledObjects(object: ScaledObject, facts: ClusterFacts, question: Question): Promise<Verdict> {
  const { apiVersion, kind, name } = scaleTargetOf(object);
  const claim = claimOf(object);
  const holders = await facts.scaledObjects(object.metadata.namespace ?? '', claim, question);
  const rivals = holders.filter((other) => other.metadata.name !== object.metadata.name);
  // The quoted parts are worded as KEDA 2.21 words them: its own end-to-end tests, and others' since, look for them.
  return merged(
    rivals.map((other) =>
      claimOf(other).target === claim.target
        ? refused(
            'other-scaled-object',
            TARGET,
            `the workload '${name}' of type '${apiVersion}.${kind}' is already managed by the ScaledObject '${other.metadata.name}': put all triggers into one ScaledObject`,
          )
        : refused(
            'other-scaled-object-hpa',
            object.spec.advanced?.horizontalPodAutoscalerConfig?.name ? HPA_NAME : ['metadata', 'name'],
            `the HPA '${claim.hpaName}' is already managed by the ScaledObject '${other.metadata.name}': give each its own in ${formatPath(HPA_NAME)}`,
          ),
    ),
  );
}

async function checkAutoscalers(object: ScaledObject, facts: ClusterFacts, question: Question): Promise<Verdict> {
  const { apiVersion, kind, name } = scaleTargetOf(object);
  const all = await facts.autoscalers(object.metadata.namespace ?? '', claimOf(object).target, question);
  const rivals = all.filter((hpa) => !hpa.exempt && !hpa.ownerScaledObjects.includes(object.metadata.name));
  const transfers = object.metadata.annotations?.[TRANSFER_HPA_OWNERSHIP] === 'true';
  const takes = object.spec.advanced?.horizontalPodAutoscalerConfig?.name;
  return merged(
    rivals.map(({ metadata: { name: hpa } }) => {
      if (!transfers)
        return refused(
          'other-hpa',
          TARGET,
          `the workload '${name}' of type '${apiVersion}.${kind}' is already managed by the hpa '${hpa}': remove that, or take it over with the annotation ${TRANSFER_HPA_OWNERSHIP}: "true" and its name in ${formatPath(HPA_NAME)}`,
        );
      return takes === hpa
        ? nothing()
        : refused(
            'transfer-ownership-missing-hpa-name',
            HPA_NAME,
            `the hpa '${hpa}' of workload '${name}' is to be taken over, so it has to be named here`,
            takes,
          );
    }),
  );
}

async function checkRequests(
  object: ScaledObject,
  facts: ClusterFacts,
  { dryRun, signal }: ClusterQuestion,
): Promise<Verdict> {
  // KEDA 2.21: a dry run does not look at the target, which may be a dry run itself.
  if (dryRun || !object.spec.triggers.some(isResourceTrigger)) return nothing();
  const { apiVersion, kind, name } = scaleTargetOf(object);
  if (apiVersion !== 'apps/v1' || (kind !== 'Deployment' && kind !== 'StatefulSet')) return nothing();
  const namespace = object.metadata.namespace ?? '';
  const pod = await facts.podSpec(kind, namespace, name, signal);
  if (pod === undefined)
    return noted(
      TARGET,
      `there is no ${kind} ${name} in namespace ${namespace} yet; its containers have to request what the triggers measure`,
    );
  // Most workloads say what they request, and then nobody has to be asked for the defaults.
  if (checkResourceRequests(object, pod, []).length === 0) return nothing();
  const lacking = checkResourceRequests(object, pod, await facts.limitRanges(namespace, signal));
  return {
    problems: lacking.map(({ rule, path, message }): AdmissionProblem => ({ reason: rule, path, message })),
    notes: [],
  };
}

const nothing = (): Verdict => ({ problems: [], notes: [] });

const noted = (path: Path, message: string): Verdict => ({ problems: [], notes: [note(path, message)] });

function refused(reason: string, path: Path, message: string, value?: unknown): Verdict {
  const problem: AdmissionProblem = { reason, path: formatPath(path), message };
  return { problems: [value === undefined ? problem : { ...problem, value }], notes: [] };
}

function merged(verdicts: readonly Verdict[]): Verdict {
  return { problems: verdicts.flatMap(({ problems }) => problems), notes: verdicts.flatMap(({ notes }) => notes) };
}
