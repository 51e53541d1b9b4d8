import { createHash } from 'node:crypto';
import {
  APP_MANAGED_BY,
  APP_NAME,
  APP_PART_OF,
  APP_VERSION,
  JOB_EXCLUDED_LABELS,
  MANAGER,
  SCALED_JOB_GENERATION,
  SCALED_JOB_NAME,
} from '../api/annotations.ts';
import type { JobSpec, PodTemplate, ScaledJob } from '../api/index.ts';
import type { OwnerReference } from '../base/object.ts';

/** On a Job: fingerprint of the jobTargetRef that it was made from. */
export const JOB_TEMPLATE = 'windlass.dev/job-template';
/** kubectl keeps the manifest it applied here, which is none that the Job ever had. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** A batch/v1 Job to create; the API server gives it a name. */
export interface JobManifest {
  apiVersion: 'batch/v1';
  kind: 'Job';
  metadata: {
    generateName: string;
    namespace: string;
    labels: Record<string, string>;
    annotations: Record<string, string>;
    ownerReferences: OwnerReference[];
  };
  spec: JobSpec;
}

/** Fingerprint of what a ScaledJob's Jobs are made from: the same for equal jobTargetRefs, whatever else changes. */
export function jobTemplateOf(object: ScaledJob): string {
  return createHash('sha256')
    .update(JSON.stringify(sorted(object.spec.jobTargetRef)))
    .digest('hex')
    .slice(0, 16);
}

/** A Job of a ScaledJob (KEDA 2.21: the ScaledJob's labels and annotations come last, so that they win). */
export function jobManifest(object: ScaledJob, version: string): JobManifest {
  const { name, namespace = '', uid = '', generation = 0, annotations = {} } = object.metadata;
  const excluded = new Set((annotations[JOB_EXCLUDED_LABELS] ?? '').split(','));
  const ownLabels = Object.entries(object.metadata.labels ?? {}).filter(([key]) => !excluded.has(key));
  const { [LAST_APPLIED]: _kubectl, ...ownAnnotations } = annotations;
  const { jobTargetRef } = object.spec;
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      generateName: `${name}-`,
      namespace,
      labels: {
        [APP_NAME]: name,
        [APP_VERSION]: version,
        [APP_PART_OF]: name,
        [APP_MANAGED_BY]: MANAGER,
        [SCALED_JOB_NAME]: name,
        ...Object.fromEntries(ownLabels),
      },
      annotations: {
        [SCALED_JOB_GENERATION]: String(generation),
        [JOB_TEMPLATE]: jobTemplateOf(object),
        ...ownAnnotations,
      },
      ownerReferences: [
        { apiVersion: object.apiVersion, kind: object.kind, name, uid, controller: true, blockOwnerDeletion: true },
      ],
    },
    spec: { ...jobTargetRef, template: podTemplate(jobTargetRef.template, name) },
  };
}

function podTemplate(template: PodTemplate, name: string): PodTemplate {
  const { metadata, spec } = template;
  return {
    ...template,
    metadata: { ...metadata, generateName: `${name}-`, labels: { ...metadata?.labels, [SCALED_JOB_NAME]: name } },
    // Kubernetes refuses its own default, Always, in a Job.
    spec: { ...spec, restartPolicy: spec?.restartPolicy || 'OnFailure' },
  };
}

/** The value with its keys in order, so that the order in which a server writes them does not matter. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, field]) => field !== undefined);
  return Object.fromEntries(
    entries.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, field]) => [key, sorted(field)]),
  );
}
