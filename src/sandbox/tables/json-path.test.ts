import { expect, test } from 'vitest';
import { compileJsonPath } from './json-path.ts';

const object = {
  metadata: { name: 'x', annotations: { 'autoscaling.keda.sh/paused': 'true' } },
  spec: { list: [1, 2, 3], triggers: [{ type: 'cron' }, { type: 'kafka' }] },
  status: {
    conditions: [
      { type: 'Ready', status: 'True', at: 3 },
      { type: 'Active', status: 'False', at: 5 },
    ],
  },
};

test.each<[string, unknown[]]>([
  ['.metadata.name', ['x']],
  ['{.metadata.name}', ['x']],
  ['metadata.name', ['x']],
  ['.spec.missing.more', []],
  ['.spec.list[0]', [1]],
  ['.spec.list[-1]', [3]],
  ['.spec.list[5]', []],
  ['.spec.list[-5]', []],
  ['.spec.list[1:]', [2, 3]],
  ['.spec.list[:2]', [1, 2]],
  ['.spec.list[0:3:2]', [1, 3]],
  ['.spec.list[*]', [1, 2, 3]],
  ['.spec.triggers[*].type', ['cron', 'kafka']],
  ['..type', ['cron', 'kafka', 'Ready', 'Active']],
  [`.metadata.annotations['autoscaling\\.keda\\.sh/paused']`, ['true']],
  [`.metadata.annotations["autoscaling.keda.sh/paused"]`, ['true']],
  ['.metadata.annotations.autoscaling\\.keda\\.sh/paused', ['true']],
  ['.status.conditions[?(@.type=="Ready")].status', ['True']],
  [`.status.conditions[?(@.type=='Active')].status`, ['False']],
  ['.status.conditions[?(@.type!="Ready")].type', ['Active']],
  ['.status.conditions[?(@.at>3)].type', ['Active']],
  ['.status.conditions[?(@.at<=3)].type', ['Ready']],
  ['.status.conditions[?(@.missing)].type', []],
  ['.status.conditions[?(@.type)].type', ['Ready', 'Active']],
  ['.status.conditions[?(@.type=="Paused")].status', []],
])('%s', (path, expected) => {
  expect(compileJsonPath(path)(object)).toEqual(expected);
});

test.each(['.a[', '.a[x]', '.a[?(@.b~="c")]', '.a..', '.a[?(@.b==c)]'])('%s cannot be read', (path) => {
  expect(() => compileJsonPath(path)).toThrow(`cannot read the JSONPath ${JSON.stringify(path)}`);
});
