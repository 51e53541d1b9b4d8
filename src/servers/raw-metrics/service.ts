import type { MetricLookup } from '../metrics-api/types.ts';
import { type Call, type Method, STATUS } from './grpc.ts';
import type { RawMetricsHub } from './hub.ts';
import {
  rawMetricsMessage,
  readRef,
  readStreamRequest,
  readSubscription,
  subscriptionAck,
  valueListMessage,
} from './messages.ts';

export interface MetricsServiceOptions {
  hub: RawMetricsHub;
  /** Whether readings are sent at all; subscribers are told when they are not. */
  enabled: boolean;
  /** Answers for every ScaledObject, wherever it runs. */
  lookup: MetricLookup;
}

const DISABLED = 'nothing will be sent: set RAW_METRICS_GRPC_PROTOCOL to enabled on the operator';

/** The methods that KEDA 2.21 serves to its metrics server and to those who follow raw metrics. */
export function metricsServiceMethods({ hub, enabled, lookup }: MetricsServiceOptions): Record<string, Method> {
  return {
    '/api.MetricsService/GetMetrics'(request, call) {
      const { namespace, object, trigger: metric } = readRef(request);
      return getMetrics(lookup(namespace, object, metric), call);
    },
    '/api.RawMetricsService/SubscribeMetric'(request, call) {
      const { subscriber, metric } = readSubscription(request);
      call.write(subscriptionAck(hub.subscribe(subscriber, metric), enabled ? '' : DISABLED));
      call.end();
    },
    '/api.RawMetricsService/UnsubscribeMetric'(request, call) {
      const { subscriber, metric } = readSubscription(request);
      call.write(subscriptionAck(hub.unsubscribe(subscriber, metric)));
      call.end();
    },
    '/api.RawMetricsService/GetRawMetricsStream'(request, call) {
      const subscriber = readStreamRequest(request);
      if (subscriber === '')
        return call.end({
          status: STATUS.UNKNOWN,
          message: 'subscriber is empty: give it the name you subscribed with',
        });
      const followed = hub.follow(subscriber, {
        write: (reading) => call.write(rawMetricsMessage(reading)),
        end: () => call.end(),
      });
      call.onDrain(followed.drained);
      call.onClose(followed.close);
    },
  };
}

async function getMetrics(asked: ReturnType<MetricLookup>, call: Call): Promise<void> {
  const answer = await asked;
  if (answer.kind === 'error') return call.end({ status: STATUS.UNKNOWN, message: answer.message });
  call.write(valueListMessage(answer));
  call.end();
}
