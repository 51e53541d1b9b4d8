import { createHash } from 'node:crypto';

export const GROUP = 'external.metrics.k8s.io';
export const VERSION = 'v1beta1';
export const GROUP_VERSION = `${GROUP}/${VERSION}`;
export const GROUP_VERSION_PATH = `/apis/${GROUP_VERSION}`;

/** A body that never changes, made once. */
export interface StaticDocument {
  body: Buffer;
  contentType: string;
  etag: string;
}

const JSON_TYPE = 'application/json';

function document(content: unknown, contentType = JSON_TYPE): StaticDocument {
  const body = Buffer.from(JSON.stringify(content));
  const etag = `"${createHash('sha256').update(body).digest('hex').slice(0, 32)}"`;
  return { body, contentType, etag };
}

const KIND = { group: GROUP, version: VERSION, kind: 'ExternalMetricValueList' };
const versionEntry = { groupVersion: GROUP_VERSION, version: VERSION };
const groupEntry = { name: GROUP, versions: [versionEntry], preferredVersion: versionEntry };

/** Real metric names are not listed: there may be tens of thousands, and no client needs them (KEDA 2.21 does the same). */
const resourceList = {
  kind: 'APIResourceList',
  apiVersion: 'v1',
  groupVersion: GROUP_VERSION,
  resources: [
    {
      name: 'externalmetrics',
      singularName: '',
      namespaced: true,
      kind: 'ExternalMetricValueList',
      verbs: ['get'],
    },
  ],
};

function aggregated(apiVersion: 'v2' | 'v2beta1') {
  const content = {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${apiVersion}`,
    metadata: {},
    items: [
      {
        metadata: { name: GROUP },
        versions: [
          {
            version: VERSION,
            freshness: 'Current',
            resources: [
              {
                resource: 'externalmetrics',
                responseKind: KIND,
                scope: 'Namespaced',
                singularResource: '',
                verbs: ['get'],
              },
            ],
          },
        ],
      },
    ],
  };
  return document(content, `${JSON_TYPE};g=apidiscovery.k8s.io;v=${apiVersion};as=APIGroupDiscoveryList`);
}

const valueSchema = {
  description: 'The value of one external metric.',
  type: 'object',
  required: ['metricName', 'metricLabels', 'timestamp', 'value'],
  properties: {
    metricName: { description: 'Name of the metric.', type: 'string', default: '' },
    metricLabels: {
      description: 'Labels that tell this value from others of the same metric.',
      type: 'object',
      additionalProperties: { type: 'string', default: '' },
    },
    timestamp: { description: 'When the value was taken.', type: 'string', format: 'date-time' },
    window: { description: 'Seconds over which the value was computed.', type: 'integer', format: 'int64' },
    value: { description: 'The value, as a quantity.', type: 'string' },
  },
};

const listSchema = (reference: string) => ({
  description: 'The values of an external metric.',
  type: 'object',
  required: ['items'],
  properties: {
    apiVersion: { type: 'string' },
    kind: { type: 'string' },
    metadata: { type: 'object' },
    items: { type: 'array', items: { $ref: reference } },
  },
  'x-kubernetes-group-version-kind': [KIND],
});

const LIST = 'io.k8s.metrics.pkg.apis.external_metrics.v1beta1.ExternalMetricValueList';
const VALUE = 'io.k8s.metrics.pkg.apis.external_metrics.v1beta1.ExternalMetricValue';
const METRIC_PATH = `${GROUP_VERSION_PATH}/namespaces/{namespace}/{metric}`;

const inPath = (name: string, description: string) => ({ name, in: 'path', required: true, description });
const PARAMETERS = [
  inPath('namespace', 'Namespace of the ScaledObject.'),
  inPath('metric', 'Name of the metric.'),
  { name: 'labelSelector', in: 'query', required: true, description: 'scaledobject.keda.sh/name=<name>' },
];
const operation = { operationId: 'readExternalMetric', tags: ['externalMetrics_v1beta1'] };
const action = { 'x-kubernetes-action': 'get', 'x-kubernetes-group-version-kind': KIND };

const openApiV2 = {
  swagger: '2.0',
  info: { title: 'Windlass external metrics', version: VERSION },
  paths: {
    [METRIC_PATH]: {
      get: {
        ...operation,
        ...action,
        description: 'Reads one external metric of a ScaledObject.',
        produces: [JSON_TYPE],
        parameters: PARAMETERS.map((parameter) => ({ ...parameter, type: 'string' })),
        responses: { 200: { description: 'OK', schema: { $ref: `#/definitions/${LIST}` } } },
      },
    },
  },
  definitions: { [VALUE]: valueSchema, [LIST]: listSchema(`#/definitions/${VALUE}`) },
};

const openApiV3 = document({
  openapi: '3.0.0',
  info: { title: 'Windlass external metrics', version: VERSION },
  paths: {
    [METRIC_PATH]: {
      get: {
        ...operation,
        ...action,
        description: 'Reads one external metric of a ScaledObject.',
        parameters: PARAMETERS.map((parameter) => ({ ...parameter, schema: { type: 'string' } })),
        responses: {
          200: { description: 'OK', content: { [JSON_TYPE]: { schema: { $ref: `#/components/schemas/${LIST}` } } } },
        },
      },
    },
  },
  components: { schemas: { [VALUE]: valueSchema, [LIST]: listSchema(`#/components/schemas/${VALUE}`) } },
});

const openApiV3Index = document({
  paths: {
    [GROUP_VERSION_PATH.slice(1)]: {
      serverRelativeURL: `/openapi/v3${GROUP_VERSION_PATH}?hash=${openApiV3.etag.replaceAll('"', '')}`,
    },
  },
});

const groupList = document({ kind: 'APIGroupList', apiVersion: 'v1', groups: [groupEntry] });
const aggregatedV2 = aggregated('v2');
const aggregatedV2beta1 = aggregated('v2beta1');
const group = document({ kind: 'APIGroup', apiVersion: 'v1', ...groupEntry });
const resources = document(resourceList);
const swagger = document(openApiV2);
const paths = document({
  paths: [
    '/apis',
    `/apis/${GROUP}`,
    GROUP_VERSION_PATH,
    '/healthz',
    '/livez',
    '/openapi/v2',
    '/openapi/v3',
    '/readyz',
    '/version',
  ],
});

/**
 * The documents by which API servers and clients find out what is served here.
 * @param accept value of the Accept header: `/apis` has two forms
 */
export function findDocument(path: string, accept: string, version: string): StaticDocument | undefined {
  switch (path) {
    case GROUP_VERSION_PATH:
    case `${GROUP_VERSION_PATH}/`:
      return resources;
    case '/apis':
    case '/apis/':
      return accept.includes('as=APIGroupDiscoveryList') ? aggregatedFor(accept) : groupList;
    case `/apis/${GROUP}`:
    case `/apis/${GROUP}/`:
      return group;
    case '/openapi/v2':
      return swagger;
    case '/openapi/v3':
    case '/openapi/v3/':
      return openApiV3Index;
    case `/openapi/v3${GROUP_VERSION_PATH}`:
      return openApiV3;
    case '/version':
    case '/version/':
      return document({
        major: '1',
        minor: '36',
        gitVersion: version,
        platform: `${process.platform}/${process.arch}`,
      });
    case '/':
      return paths;
    default:
      return undefined;
  }
}

function aggregatedFor(accept: string): StaticDocument {
  return /v=v2(?!beta)/.test(accept) ? aggregatedV2 : aggregatedV2beta1;
}
