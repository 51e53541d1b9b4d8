import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { ClusterApi, Running } from '../types.ts';
import type { ControllerContext } from './context.ts';
import { startCronJobController } from './cron-job/index.ts';
import { startDeploymentController } from './deployment/index.ts';
import { startEndpointsController } from './endpoints.ts';
import { startEventExpiry } from './event-expiry.ts';
import { createEventRecorder } from './events.ts';
import { startHpaController } from './hpa/index.ts';
import type { ExternalMetricsReader } from './hpa/metrics.ts';
import type { PodUsageReader } from './pod-usage.ts';
import { startStatefulSetController } from './stateful-set/index.ts';

export type { ExternalMetricsReader } from './hpa/metrics.ts';
export type { PodUsage, PodUsageReader } from './pod-usage.ts';

import { startGarbageCollector } from './garbage-collector.ts';
import { startJobController } from './job/index.ts';
import { startNamespaceController } from './namespace.ts';
import { startReplicaSetController } from './replica-set.ts';

export interface ControllerOptions {
  api: ClusterApi;
  clock: Clock;
  log: Logger;
  /** Where the autoscaler reads external metrics; without it they fail. */
  metrics?: ExternalMetricsReader | undefined;
  /** Where the autoscaler reads what pods use; without it resource metrics fail. */
  podUsage?: PodUsageReader | undefined;
  /** Milliseconds between rounds of the autoscaler; default 15000. */
  hpaSyncPeriodMs?: number | undefined;
}

/** Starts every controller of the cluster; `stop` resolves when none of them writes any more. */
export function startControllers({ api, clock, log, ...options }: ControllerOptions): Running {
  const contextOf = (component: string): ControllerContext => ({
    api,
    clock,
    log: log.with({ component }),
    events: createEventRecorder(api, clock, log, component),
  });
  const contexts: ControllerContext[] = [];
  const context = (component: string) => {
    const made = contextOf(component);
    contexts.push(made);
    return made;
  };
  const running: Running[] = [
    startGarbageCollector(context('garbage-collector-controller')),
    startNamespaceController(context('namespace-controller')),
    startEventExpiry(context('event-expiry')),
    startJobController(context('job-controller')),
    startReplicaSetController(context('replicaset-controller')),
    startDeploymentController(context('deployment-controller')),
    startStatefulSetController(context('statefulset-controller')),
    startCronJobController(context('cronjob-controller')),
    startEndpointsController(context('endpoint-controller')),
    startHpaController(context('horizontal-pod-autoscaler'), {
      readers: { external: options.metrics, podUsage: options.podUsage },
      syncPeriodMs: options.hpaSyncPeriodMs,
    }),
  ];
  return {
    async stop() {
      await Promise.all(running.map((controller) => controller.stop()));
      await Promise.all(contexts.map(({ events }) => events.flush()));
    },
  };
}
