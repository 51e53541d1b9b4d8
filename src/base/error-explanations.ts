import type { ErrorCode } from './errors.ts';

export interface ErrorExplanation {
  /** What must have happened, in one or two sentences. */
  cause: string;
  /** What to do about it. */
  remedy: string;
}

/** Every code in words, for the reference page. A code without an explanation does not compile. */
export const ERROR_EXPLANATIONS: Readonly<Record<ErrorCode, ErrorExplanation>> = {
  InvalidTrigger: {
    cause: 'A field of a trigger is missing, cannot be read, or contradicts another one.',
    remedy:
      'The message names the field, its value and what is allowed. `windlass lint` finds all such fields at once, without a cluster.',
  },
  InvalidObject: {
    cause: 'An object as a whole cannot work: a rule over several of its fields is broken.',
    remedy: 'Correct the fields that the message names; `windlass lint` shows file and line.',
  },
  InvalidArgument: {
    cause: 'An option, an environment variable or a text on the command line cannot be read.',
    remedy: 'Write it as the message says; `--help` shows what a command takes.',
  },
  AuthenticationNotFound: {
    cause: 'A trigger refers to a TriggerAuthentication or ClusterTriggerAuthentication that is not there.',
    remedy:
      'Create it, or correct `authenticationRef`. A TriggerAuthentication has to be in the namespace of the object; without a `kind` the reference means that kind.',
  },
  CredentialNotFound: {
    cause: 'A Secret, a ConfigMap, a key of one, a variable or a file that an authentication names is not there.',
    remedy:
      'Create it, or correct the name. Secrets of a ClusterTriggerAuthentication are looked for in the namespace of the operator.',
  },
  CredentialRefused: {
    cause: 'The source knows who asks and says no: wrong password, expired key, missing permission.',
    remedy:
      'Check the credential by hand with the client of the source. A changed Secret is picked up without a restart.',
  },
  TargetNotFound: {
    cause: 'The workload of `scaleTargetRef` is not there, or its kind is not served by the cluster.',
    remedy: 'Create it, or correct name, kind and apiVersion. It has to be in the namespace of the ScaledObject.',
  },
  TargetNotScalable: {
    cause: 'The workload is there but has no `/scale` subresource, so nobody can set its replicas.',
    remedy: 'Name the object that owns the pods (a Deployment, not its Pod), or give the CRD a scale subresource.',
  },
  SourceNotFound: {
    cause: 'The source answers, and says that the queue, topic, table or project asked for does not exist.',
    remedy: 'Create it, or correct its name in the metadata of the trigger.',
  },
  SourceUnavailable: {
    cause: 'The source cannot be reached or answers that it cannot serve.',
    remedy:
      'It is asked again with growing pauses, and the fallback of the object counts meanwhile. If it lasts, check address, network policies and the source itself.',
  },
  SourceTimeout: {
    cause: 'The source took longer to answer than its deadline.',
    remedy:
      'Check the load of the source. Where a trigger has a `timeout` it may be raised; KEDA_HTTP_DEFAULT_TIMEOUT sets it for all HTTP sources.',
  },
  SourceThrottled: {
    cause: 'The source says that it is asked too often.',
    remedy:
      'It is left alone for as long as it asks. Raise `pollingInterval`, or set `useCachedMetrics` so that the HPA asks no more often than that.',
  },
  SourceAnswerInvalid: {
    cause: 'The source answered, but not with what its protocol promises, or without a number where one has to be.',
    remedy:
      'Look at the answer by hand: often a proxy or a login page answers in place of the source, or a query fits nothing.',
  },
  KubernetesUnavailable: {
    cause: 'The API server cannot be reached or does not answer.',
    remedy: 'Nothing is scaled until it is back, and nothing has to be done about it here.',
  },
  KubernetesConflict: {
    cause: 'Somebody else changed the object at the same moment.',
    remedy: 'The change is made again on the newest state. If it repeats, two controllers fight over the same fields.',
  },
  KubernetesRefused: {
    cause: 'The API server refuses what was asked: no permission, an admission webhook, a quota or an invalid object.',
    remedy:
      "The message has the API server's reason. For a missing permission, compare the operator's ClusterRole with that of the chart.",
  },
  NotOwner: {
    cause: 'Another replica of the operator has taken the object over, or this one could not renew its Lease in time.',
    remedy: 'Nothing has to be done: the replica that owns the object does the work. See docs/guides/replicas.md.',
  },
  NoData: {
    cause: 'The source answered that it has no value now, which is neither zero nor an error.',
    remedy:
      'Replicas are held as they are. If a value should be there, check the query and the time window it looks at.',
  },
  PortInUse: {
    cause: 'A port that a server should listen on is taken.',
    remedy: 'Stop the other program, or choose another port with the option that the message names.',
  },
  Internal: {
    cause: 'A defect of Windlass.',
    remedy: 'Report it with the message and the log around it.',
  },
};
