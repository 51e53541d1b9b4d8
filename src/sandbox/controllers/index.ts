import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { ClusterApi, Running } from '../types.ts';
import type { ControllerContext } from './context.ts';
import { startDeploymentController } from './deployment/index.ts';
import { createEventRecorder } from './events.ts';
import { startGarbageCollector } from './garbage-collector.ts';
import { startJobController } from './job/index.ts';
import { startNamespaceController } from './namespace.ts';
import { startReplicaSetController } from './replica-set.ts';

export interface ControllerOptions {
  api: ClusterApi;
  clock: Clock;
  log: Logger;
}

/** Starts every controller of the cluster; `stop` resolves when none of them writes any more. */
export function startControllers({ api, clock, log }: ControllerOptions): Running {
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
    startJobController(context('job-controller')),
    startReplicaSetController(context('replicaset-controller')),
    startDeploymentController(context('deployment-controller')),
  ];
  return {
    async stop() {
      await Promise.all(running.map((controller) => controller.stop()));
      await Promise.all(contexts.map(({ events }) => events.flush()));
    },
  };
}
