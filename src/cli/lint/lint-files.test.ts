import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { Finding } from './finding.ts';
import { lintTexts } from './lint-files.ts';

const read = async (file: string) => ({
  file: file.split('/').at(-1) ?? file,
  text: await readFile(fileURLToPath(new URL(`../../../${file}`, import.meta.url)), 'utf8'),
});
const brief = ({ line, severity, field, message, hint }: Finding) =>
  `${line} ${severity} ${field}: ${message}${hint ? ` (${hint})` : ''}`;
const lint = async (...names: string[]) => {
  const texts = await Promise.all(names.map((name) => read(`test/fixtures/lint/${name}`)));
  return lintTexts(texts).findings.map(brief);
};
const lintText = (text: string) => lintTexts([{ file: 'f', text }]).findings.map(brief);

test('each planted mistake of a ScaledObject is named with line and field', async () => {
  expect(await lint('scaledobject-fields.yaml')).toMatchInlineSnapshot(`
    [
      "6 error metadata.annotations["autoscaling.keda.sh/paused"]: must be text: put it in quotes ("true")",
      "9 warning spec.scaleTargetRef.name: Deployment worker is not in these files, so what it has was not checked",
      "10 warning spec.minReplicas: is not a field here and is ignored",
      "11 error spec.minReplicaCount: minReplicaCount must not be greater than maxReplicaCount (100 when that is absent)",
      "13 error spec.idleReplicaCount: must be less than minReplicaCount, which counts as 20",
      "14 error spec.pollingInterval: must be a whole number, not text: take off the quotes (5)",
      "15 warning spec.cooldownPeriod: has no value and is ignored",
      "16 error spec.fallback.replicas: is missing: replicas to fall back to.",
      "18 error spec.fallback.behavior: must be one of static, currentReplicas, currentReplicasIfHigher, currentReplicasIfLower, scalingModifiers; did you mean currentReplicas?",
      "23 error spec.advanced.horizontalPodAutoscalerConfig.behavior.scaleDown.selectPolicy: must be one of Max, Min, Disabled",
      "27 error spec.triggers[0].metadata.queueName: queueName is required: give it in the trigger's metadata",
      "28 error spec.triggers[0].metadata.queueLength: queueLength is "five", which is not a whole number; write digits only, such as 5 (no 05, 5.0, 1e3 or 1k)",
      "29 error spec.triggers[0].metadata.queueLengthStrategy: queueLengthStrategy is "visible", which must be one of all, visibleonly (upper and lower case count)",
      "30 error spec.triggers[0].authenticationRef.name: is missing: name of the TriggerAuthentication or ClusterTriggerAuthentication.",
      "32 error spec.triggers[1].type: there is no trigger type "azure-queues"; did you mean "azure-queue"?",
      "33 error spec.triggers[1].name: is the name of spec.triggers[0] already: give each trigger its own",
      "36 error spec.triggers[2].metricType: metricType is missing; a cpu trigger takes Utilization or AverageValue",
      "37 error spec.triggers[2].useCachedMetrics: is not for cpu triggers: remove it",
      "39 error spec.triggers[2].metadata.value: must be text, not a number: put it in quotes ("50")",
    ]
  `);
});

test('each planted mistake of a ScaledJob is named with line and field', async () => {
  expect(await lint('scaledjob.yaml')).toMatchInlineSnapshot(`
    [
      "9 error spec.jobTargetRef.template.spec.restartPolicy: must be OnFailure or Never for a Job",
      "17 error spec.rollout.strategy: must be one of gradual, immediate; did you mean gradual?",
      "20 error spec.triggers[0].metricType: is not for a ScaledJob, which has no HPA: remove it",
      "23 error spec.triggers[0].metadata.connectionFromEnv: connection is required: give it in a TriggerAuthentication, or name a variable of the target's container with connectionFromEnv (connectionFromEnv names the variable "CONECTION", which the target's container does not have or leaves empty)",
    ]
  `);
});

test('each planted mistake of an authentication is named with line and field', async () => {
  expect(await lint('authentication.yaml')).toMatchInlineSnapshot(`
    [
      "7 error spec.secretTargetRef[0].key: is missing: key inside it.",
      "11 error spec.secretTargetRef[1].key: "account" is not in Secret queue-secret (authentication.yaml:15), which has acount",
      "13 error spec.podIdentity.provider: must be one of azure-workload, gcp, aws, aws-eks, none",
    ]
  `);
});

test('rivals for one workload are named with each other', async () => {
  expect(await lint('rivals.yaml')).toMatchInlineSnapshot(`
    [
      "20 error spec.scaleTargetRef.name: is scaled by HorizontalPodAutoscaler by-hand (rivals.yaml:43) already: remove that, or hand it over with the annotation scaledobject.keda.sh/transfer-hpa-ownership: "true"",
      "35 error spec.scaleTargetRef.name: is scaled by ScaledObject one (rivals.yaml:14) already: put all triggers into one ScaledObject",
      "35 error spec.scaleTargetRef.name: is scaled by HorizontalPodAutoscaler by-hand (rivals.yaml:43) already: remove that, or hand it over with the annotation scaledobject.keda.sh/transfer-hpa-ownership: "true"",
      "36 error spec.scaleTargetRef.envSourceContainerName: the target has no container side; it has main",
    ]
  `);
});

test.each([
  ['functions', ['deployment.yaml', 'scaledobject.yaml'], 1],
  ['jobs', ['scaledjob.yaml', 'secret.yaml', 'triggerauthentication.yaml'], 2],
])('the manifests of the story %s are fine', async (story, names, checked) => {
  const texts = await Promise.all(names.map((name) => read(`examples/${story}/${name}`)));
  expect(lintTexts(texts)).toEqual({ findings: [], checked });
});

const job = (trigger: string) => `
apiVersion: keda.sh/v1alpha1
kind: ScaledJob
metadata: { name: batch }
spec:
  jobTargetRef:
    template:
      spec:
        containers:
          - name: work
            env:
              - { name: PLAIN, value: UseDevelopmentStorage=true }
              - { name: HIDDEN, valueFrom: { secretKeyRef: { name: elsewhere, key: a } } }
              - { name: POD, valueFrom: { fieldRef: { fieldPath: metadata.name } } }
  triggers:
    - type: azure-queue
${trigger.replace(/^/gm, '      ')}`;
const metadata = (connection: string) => `metadata: { queueName: orders, ${connection} }`;
const REQUIRED = 'connection is required';

test.each([
  ['a variable with a value', metadata('connectionFromEnv: PLAIN'), []],
  ['a variable whose Secret is elsewhere', metadata('connectionFromEnv: HIDDEN'), []],
  ['a variable that is never resolved', metadata('connectionFromEnv: POD'), [REQUIRED]],
  ['a variable that is not there', metadata('connectionFromEnv: NONE'), [REQUIRED]],
  ['no credential at all', 'metadata: { queueName: orders }', [REQUIRED]],
  [
    'an authentication that is not in the files',
    'metadata: { queueName: orders }\nauthenticationRef: { name: elsewhere }',
    ['TriggerAuthentication elsewhere is not in these files'],
  ],
  [
    'an authentication that is not in the files, and a field that is wrong whatever it gives',
    'metadata: { queueName: orders, queueLength: x }\nauthenticationRef: { name: elsewhere }',
    ['queueLength is "x"', 'TriggerAuthentication elsewhere is not in these files'],
  ],
])('with %s', (_, trigger, expected) => {
  const found = lintText(job(trigger));
  expect(found).toHaveLength(expected.length);
  for (const [i, text] of expected.entries()) expect(found[i]).toContain(text);
});

const authentication = (spec: string) => `
---
apiVersion: keda.sh/v1alpha1
kind: TriggerAuthentication
metadata: { name: auth }
spec: ${spec}
`;
const referring = job('metadata: { queueName: orders, accountName: shop }\nauthenticationRef: { name: auth }');

test.each([
  ['a Secret that is elsewhere', '{ secretTargetRef: [{ parameter: connection, name: s, key: k }] }', []],
  ['another parameter', '{ secretTargetRef: [{ parameter: conection, name: s, key: k }] }', [REQUIRED]],
  [
    'a vault',
    '{ azureKeyVault: { vaultUri: u, podIdentity: { provider: azure-workload }, secrets: [{ parameter: connection, name: queue }] } }',
    [],
  ],
  ['an identity', '{ podIdentity: { provider: azure-workload } }', []],
  ['a variable of the container', '{ env: [{ parameter: connection, name: PLAIN }] }', []],
  ['a variable that is not there', '{ env: [{ parameter: connection, name: NONE }] }', [REQUIRED]],
])('an authentication in the files that gives %s', (_, spec, expected) => {
  const found = lintText(referring + authentication(spec));
  expect(found).toHaveLength(expected.length);
  for (const [i, text] of expected.entries()) expect(found[i]).toContain(text);
});

const deployment = `
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: worker }
`;
const scaledObject = (spec: string, metadata = 'name: so') => `
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: { ${metadata} }
spec: { scaleTargetRef: { name: worker }, triggers: [{ type: cron, metadata: { timezone: UTC, start: 0 8 * * *, end: 0 9 * * *, desiredReplicas: "1" } }], ${spec} }
`;
const hpa = (metadata: string) => `
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { ${metadata} }
spec: { scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: worker } }
`;
const OWN = 'ownerReferences: [{ apiVersion: keda.sh/v1alpha1, kind: ScaledObject, name: so, uid: u }]';
const HANDED = 'name: so, annotations: { scaledobject.keda.sh/transfer-hpa-ownership: "true" }';
const NAMED = 'advanced: { horizontalPodAutoscalerConfig: { name: old } }';

test.each([
  ['made for the object', scaledObject(''), hpa(`name: keda-hpa-so, ${OWN}`), []],
  ['of somebody else', scaledObject(''), hpa('name: old'), ['is scaled by HorizontalPodAutoscaler old']],
  [
    'that is exempt',
    scaledObject(''),
    hpa('name: old, annotations: { validations.keda.sh/hpa-ownership: "false" }'),
    [],
  ],
  ['that is handed over', scaledObject(NAMED, HANDED), hpa('name: old'), []],
  ['that is handed over without its name', scaledObject('', HANDED), hpa('name: old'), ['is to be taken over']],
  ['of another namespace', scaledObject('', 'name: so, namespace: a'), hpa('name: old, namespace: b'), []],
])('an HPA %s beside a ScaledObject', (_, object, other, expected) => {
  const found = lintText(deployment + object + other);
  expect(found).toHaveLength(expected.length);
  for (const [i, text] of expected.entries()) expect(found[i]).toContain(text);
});

test('two ScaledObjects with one HPA name are named', () => {
  const other = scaledObject(NAMED, 'name: b').replace('{ name: worker }', '{ name: other }');
  const found = lintText(deployment + deployment.replace('worker', 'other') + scaledObject(NAMED, 'name: a') + other);
  expect(found).toEqual([expect.stringContaining('is the HPA of ScaledObject a (f:')]);
});

test('one object in two places is named', () => {
  expect(lintText(deployment + scaledObject('') + scaledObject(''))).toEqual([
    expect.stringContaining('warning metadata.name: is also in f:8'),
  ]);
});

test('objects of other kinds and groups are let be', () => {
  expect(lintText('{ apiVersion: example.com/v1, kind: ScaledObject, spec: 5 }')).toEqual([]);
});

test('an unquoted yes is a boolean, as for kubectl', () => {
  const text = scaledObject('').replace('timezone: UTC', 'timezone: no');
  expect(lintText(deployment + text)).toEqual([
    expect.stringContaining('metadata.timezone: must be text, not true or false: put it in quotes'),
  ]);
});

test.each([
  ['keda.sh/v1alpha1', 'CloudEventSource', 'apiVersion: must be eventing.keda.sh/v1alpha1 for CloudEventSource'],
  ['keda.sh/v1beta1', 'ScaledObject', 'apiVersion: must be keda.sh/v1alpha1 for ScaledObject'],
  ['keda.k8s.io/v1alpha1', 'ScaledObject', 'apiVersion: must be keda.sh/v1alpha1 for ScaledObject'],
  [
    'keda.sh/v1alpha1',
    'ScaledObjct',
    'kind: ScaledObjct is not a kind of keda.sh/v1alpha1; did you mean ScaledObject?',
  ],
])('%s %s is told from ours', (apiVersion, kind, message) => {
  expect(lintText(`{ apiVersion: ${apiVersion}, kind: ${kind}, metadata: { name: a } }`)).toEqual([
    `1 error ${message}`,
  ]);
});

test('a formula is checked over the names of the triggers', () => {
  const cron =
    '{ type: cron, name: office, metadata: { timezone: UTC, start: 0 8 * * *, end: 0 9 * * *, desiredReplicas: "1" } }';
  const formula = (text: string) =>
    lintText(`${deployment}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: { name: so }
spec:
  scaleTargetRef: { name: worker }
  triggers: [${cron}]
  advanced: { scalingModifiers: { target: "2", formula: ${text} } }
`);
  expect(formula('office * 2')).toEqual([]);
  expect(formula('offce * 2')).toEqual([
    expect.stringMatching(/^\d+ error spec\.advanced\.scalingModifiers\.formula: .*offce/),
  ]);
});

test('cpu without a request in the target is named', () => {
  const pod = 'spec: { template: { spec: { containers: [{ name: main }] } } }';
  const cpu = scaledObject('minReplicaCount: 1').replace(
    /triggers: .*desiredReplicas: "1" } }\]/,
    'triggers: [{ type: cpu, metricType: Utilization, metadata: { value: "50" } }]',
  );
  expect(lintText(`${deployment}${pod}\n${cpu}`)).toEqual([
    expect.stringContaining("the scaledobject has a cpu trigger but the container main doesn't have the cpu request"),
  ]);
});
