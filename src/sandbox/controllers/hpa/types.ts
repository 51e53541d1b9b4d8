import type { KubeObject } from '../../../base/object.ts';
import type { LabelSelector } from '../../../base/selector.ts';
import type { Condition } from '../kinds.ts';

export interface MetricTarget {
  type: 'Utilization' | 'Value' | 'AverageValue';
  value?: string | number;
  averageValue?: string | number;
  averageUtilization?: number;
}

export interface MetricIdentifier {
  name: string;
  selector?: LabelSelector;
}

export interface MetricSpec {
  type: string;
  external?: { metric: MetricIdentifier; target: MetricTarget };
  resource?: { name: string; target: MetricTarget };
  containerResource?: { name: string; container: string; target: MetricTarget };
  pods?: { metric: MetricIdentifier; target: MetricTarget };
  object?: {
    describedObject: { kind: string; name: string; apiVersion?: string };
    metric: MetricIdentifier;
    target: MetricTarget;
  };
}

export interface ScalingPolicy {
  type: 'Pods' | 'Percent';
  value: number;
  periodSeconds: number;
}

export interface ScalingRules {
  policies?: ScalingPolicy[];
  selectPolicy?: 'Max' | 'Min' | 'Disabled';
  stabilizationWindowSeconds?: number;
  /** A quantity such as `50m`. */
  tolerance?: string | number;
}

export interface HorizontalPodAutoscaler extends KubeObject {
  spec: {
    scaleTargetRef: { apiVersion?: string; kind: string; name: string };
    minReplicas?: number;
    maxReplicas: number;
    metrics?: MetricSpec[];
    behavior?: { scaleUp?: ScalingRules; scaleDown?: ScalingRules };
  };
  status?: HpaStatus;
}

export interface HpaStatus {
  currentReplicas?: number;
  desiredReplicas?: number;
  lastScaleTime?: string;
  observedGeneration?: number;
  currentMetrics?: object[];
  conditions?: Condition[];
}
