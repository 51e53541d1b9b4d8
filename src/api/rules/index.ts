import type { KindName, KindTypes } from '../kinds.ts';
import { checkFilePath, checkOAuth2, checkParameters, checkPodIdentity, checkProviders } from './authentication.ts';
import { checkDestination, checkEventTypes } from './cloud-event-source.ts';
import type { RuleProblem } from './problem.ts';
import { checkJobSettings, checkJobTemplate, checkJobTriggers } from './scaled-job.ts';
import {
  checkBounds,
  checkFallback,
  checkFallbackBehavior,
  checkModifiers,
  checkNames,
  checkScaleToZero,
  type FormulaCheck,
} from './scaled-object.ts';
import {
  checkAnnotations,
  checkHpaBehavior,
  checkOwnAnnotations,
  checkTarget,
  checkUnusedSettings,
} from './scaled-object-advice.ts';
import { checkMetricTypes, checkOnError, checkTriggerList } from './triggers.ts';

export type { RuleEffect, RuleName, RuleProblem } from './problem.ts';
export { checkResourceRequests, type LimitRange } from './resource-requests.ts';
export type { FormulaCheck } from './scaled-object.ts';
export { formulaVariables } from './scaled-object.ts';
export { isResourceTrigger } from './triggers.ts';

export interface RuleOptions {
  /** Judges the formula of scalingModifiers; without it a formula only has to be there. */
  checkFormula?: FormulaCheck | undefined;
}

const RULES: { [K in KindName]: (object: KindTypes[K], options: RuleOptions) => RuleProblem[] } = {
  ScaledObject: (object, { checkFormula }) => [
    ...checkNames(object),
    ...checkBounds(object),
    ...checkTriggerList(object.spec.triggers),
    ...checkMetricTypes(object.spec.triggers),
    ...checkOnError(object),
    ...checkFallback(object),
    ...checkFallbackBehavior(object),
    ...checkModifiers(object, checkFormula),
    ...checkScaleToZero(object),
    ...checkTarget(object),
    ...checkHpaBehavior(object),
    ...checkAnnotations(object),
    ...checkUnusedSettings(object),
  ],
  ScaledJob: (job) => [
    ...checkTriggerList(job.spec.triggers),
    ...checkJobTriggers(job.spec.triggers),
    ...checkJobSettings(job),
    ...checkJobTemplate(job),
    ...checkOwnAnnotations(job),
  ],
  TriggerAuthentication: ({ spec }) => checkAuthentication(spec, false),
  ClusterTriggerAuthentication: ({ spec }) => checkAuthentication(spec, true),
  CloudEventSource: (source) => [...checkDestination(source), ...checkEventTypes(source)],
  ClusterCloudEventSource: (source) => [...checkDestination(source), ...checkEventTypes(source)],
};

function checkAuthentication(spec: KindTypes['TriggerAuthentication']['spec'], clusterWide: boolean): RuleProblem[] {
  return [
    ...checkPodIdentity(spec.podIdentity),
    ...checkOAuth2(spec),
    ...checkProviders(spec),
    ...checkFilePath(spec, clusterWide),
    ...checkParameters(spec),
  ];
}

/**
 * Everything that can be said about an object by itself, beyond its fields. The object must have passed
 * validateObject. Rules that need other objects of the cluster are with those who can read them.
 */
export function checkRules<K extends KindName>(
  kind: K,
  object: KindTypes[K],
  options: RuleOptions = {},
): RuleProblem[] {
  return RULES[kind](object, options);
}
