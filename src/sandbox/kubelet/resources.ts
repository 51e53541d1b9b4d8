import { parseQuantity, quantityToInteger, quantityToMilli } from '../../base/quantity.ts';
import type { Container, Pod, Quantities } from '../controllers/kinds.ts';

export interface Resources {
  cpuMilli: number;
  memoryBytes: number;
}

/** Requests (or limits) of one container; what is not given is 0. */
export function resourcesOf(quantities: Quantities | undefined): Resources {
  return {
    cpuMilli: quantities?.cpu === undefined ? 0 : Number(quantityToMilli(parseQuantity(String(quantities.cpu)))),
    memoryBytes:
      quantities?.memory === undefined ? 0 : Number(quantityToInteger(parseQuantity(String(quantities.memory)))),
  };
}

/** Kubernetes: a limit without a request is the request too. */
function requestsOf(container: Container): Resources {
  const { limits, requests } = container.resources ?? {};
  return resourcesOf({ ...limits, ...requests });
}

/** What a pod takes of its node: the sum over its containers, or a larger init container. */
export function podRequests(pod: Pod): Resources {
  const total: Resources = { cpuMilli: 0, memoryBytes: 0 };
  for (const container of pod.spec.containers) {
    const { cpuMilli, memoryBytes } = requestsOf(container);
    total.cpuMilli += cpuMilli;
    total.memoryBytes += memoryBytes;
  }
  for (const container of pod.spec.initContainers ?? []) {
    const { cpuMilli, memoryBytes } = requestsOf(container);
    total.cpuMilli = Math.max(total.cpuMilli, cpuMilli);
    total.memoryBytes = Math.max(total.memoryBytes, memoryBytes);
  }
  return total;
}
