/** The parts of pods that an autoscaler reads; Kubernetes' own kinds have many more fields. */

export interface KeyRef {
  name?: string;
  key: string;
  optional?: boolean;
}

export interface EnvVar {
  name: string;
  value?: string;
  valueFrom?: {
    secretKeyRef?: KeyRef;
    configMapKeyRef?: KeyRef;
    fieldRef?: { fieldPath: string };
    resourceFieldRef?: { resource: string };
  };
}

export interface EnvFromSource {
  prefix?: string;
  secretRef?: { name?: string; optional?: boolean };
  configMapRef?: { name?: string; optional?: boolean };
}

export interface ResourceAmounts {
  requests?: Record<string, string | number>;
  limits?: Record<string, string | number>;
}

export interface Container {
  name: string;
  env?: EnvVar[];
  envFrom?: EnvFromSource[];
  resources?: ResourceAmounts;
  [field: string]: unknown;
}

export interface PodSpec {
  containers?: Container[];
  resources?: ResourceAmounts;
  serviceAccountName?: string;
  restartPolicy?: string;
  [field: string]: unknown;
}

export interface PodTemplate {
  metadata?: { generateName?: string; labels?: Record<string, string>; annotations?: Record<string, string> };
  spec?: PodSpec;
}
