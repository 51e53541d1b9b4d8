import { Optional, type ParseResult } from '@marcbachmann/cel-js';
import type { FieldError } from '../field-error.ts';
import { isFields } from '../fields.ts';
import type { OpenApiSchema, ValidationRule } from '../node.ts';
import { compileExpression, firstLine, toCel } from './cel.ts';
import { correlate, jsonType } from './values.ts';

interface CompiledRule {
  rule: ValidationRule;
  program: ParseResult;
  message: ParseResult | undefined;
  /** Compares with the stored object, so it is skipped where there is none. */
  transition: boolean;
}

/** Where a schema has rules, at this place or below. */
interface RuleNode {
  schema: OpenApiSchema;
  rules: CompiledRule[];
  fields: Map<string, RuleNode>;
  values: RuleNode | undefined;
  items: RuleNode | undefined;
}

/** A rule that cannot be compiled, by the path of its schema. */
export interface RuleProblem {
  at: string;
  rule: ValidationRule;
  field: 'rule' | 'messageExpression';
  problem: string;
}

/** Adds to `out` every rule that an object breaks; `old` is the stored object on updates. */
export type RuleCheck = (object: unknown, old: unknown, out: FieldError[]) => void;

/** Compiles every x-kubernetes-validations of a schema. Rules that cannot be compiled are returned and left out. */
export function compileRules(schema: OpenApiSchema, at: string): { check: RuleCheck; problems: RuleProblem[] } {
  const problems: RuleProblem[] = [];
  const root = compileNode(schema, at, true, problems);
  return { problems, check: (object, old, out) => root && visit(root, object, old, '', out) };
}

function compileNode(
  schema: OpenApiSchema,
  at: string,
  correlatable: boolean,
  problems: RuleProblem[],
): RuleNode | undefined {
  const rules = (schema['x-kubernetes-validations'] ?? []).flatMap((rule, index) =>
    compileRule(rule, `${at}.x-kubernetes-validations[${index}]`, correlatable, problems),
  );
  const fields = new Map<string, RuleNode>();
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    const node = compileNode(child, `${at}.properties[${name}]`, correlatable, problems);
    if (node !== undefined) fields.set(name, node);
  }
  const { additionalProperties } = schema;
  const values =
    typeof additionalProperties === 'object'
      ? compileNode(additionalProperties, `${at}.additionalProperties`, correlatable, problems)
      : undefined;
  const mapped = correlatable && schema['x-kubernetes-list-type'] === 'map';
  const items = schema.items && compileNode(schema.items, `${at}.items`, mapped, problems);
  const bare = rules.length === 0 && fields.size === 0 && values === undefined && items === undefined;
  return bare ? undefined : { schema, rules, fields, values, items };
}

function compileRule(rule: ValidationRule, at: string, correlatable: boolean, problems: RuleProblem[]): CompiledRule[] {
  const usesOld = /\boldSelf\b/.test(rule.rule);
  const fail = (field: RuleProblem['field'], problem: string): CompiledRule[] => {
    problems.push({ at, rule, field, problem });
    return [];
  };
  const compiled = compileExpression(rule.rule, 'bool');
  if ('problem' in compiled) return fail('rule', compiled.problem);
  if (usesOld && !correlatable)
    return fail('rule', 'oldSelf cannot be used on the uncorrelatable portion of the schema within');
  let message: ParseResult | undefined;
  if (rule.messageExpression !== undefined) {
    const expression = compileExpression(rule.messageExpression, 'string');
    if ('problem' in expression) return fail('messageExpression', `messageExpression ${expression.problem}`);
    message = expression.program;
  }
  return [{ rule, program: compiled.program, message, transition: usesOld && rule.optionalOldSelf !== true }];
}

function visit(node: RuleNode, value: unknown, old: unknown, at: string, out: FieldError[]): void {
  if (value === undefined || value === null) return;
  evaluate(node, value, old, at, out);
  if (Array.isArray(value) && node.items !== undefined) {
    const keys =
      node.schema['x-kubernetes-list-type'] === 'map' ? node.schema['x-kubernetes-list-map-keys'] : undefined;
    for (const [index, item] of value.entries())
      visit(node.items, item, correlate(keys, old, item), `${at}[${index}]`, out);
  }
  if (!isFields(value)) return;
  const before = isFields(old) ? old : {};
  for (const [name, child] of node.fields)
    visit(child, value[name], before[name], at === '' ? name : `${at}.${name}`, out);
  if (node.values !== undefined)
    for (const [name, field] of Object.entries(value))
      if (!node.schema.properties?.[name]) visit(node.values, field, before[name], `${at}[${name}]`, out);
}

function evaluate({ schema, rules }: RuleNode, value: unknown, old: unknown, at: string, out: FieldError[]): void {
  const wanted = rules.filter((rule) => !rule.transition || old !== undefined);
  if (wanted.length === 0) return;
  const self = toCel(schema, value);
  const oldSelf = old === undefined ? undefined : toCel(schema, old);
  for (const { rule, program, message } of wanted) {
    const optional = oldSelf === undefined ? Optional.none() : Optional.of(oldSelf);
    const context = { self, oldSelf: rule.optionalOldSelf === true ? optional : oldSelf };
    let passed: unknown;
    try {
      passed = program(context);
    } catch (error) {
      const detail = `${firstLine(error)} evaluating rule: ${ruleText(rule)}`;
      out.push({
        field: at,
        reason: 'FieldValueInvalid',
        message: `Invalid value: ${JSON.stringify(jsonType(value))}: ${detail}`,
      });
      continue;
    }
    if (passed === true) continue;
    out.push(failure(rule, value, `${at}${fieldPathOf(rule)}`, messageOf(rule, message, context)));
  }
}

function fieldPathOf({ fieldPath }: ValidationRule): string {
  return fieldPath === undefined
    ? ''
    : fieldPath.startsWith('.') || fieldPath.startsWith('[')
      ? fieldPath
      : `.${fieldPath}`;
}

function messageOf(rule: ValidationRule, message: ParseResult | undefined, context: object): string {
  try {
    const text: unknown = message?.(context);
    if (typeof text === 'string' && text.trim() !== '') return text.trim();
  } catch {
    // Kubernetes: a message that cannot be made gives way to the plain one.
  }
  return rule.message?.trim() || `failed rule: ${ruleText(rule)}`;
}

function ruleText({ rule, message }: ValidationRule): string {
  return (message || rule).trim();
}

function failure(rule: ValidationRule, value: unknown, at: string, detail: string): FieldError {
  const field = at.replace(/^\./, '');
  switch (rule.reason) {
    case 'FieldValueForbidden':
      return { field, reason: rule.reason, message: `Forbidden: ${detail}` };
    case 'FieldValueRequired':
      return { field, reason: rule.reason, message: `Required value: ${detail}` };
    case 'FieldValueDuplicate':
      return { field, reason: rule.reason, message: `Duplicate value: ${JSON.stringify(value)}` };
    default: {
      // Kubernetes leaves out objects and lists, which can be long.
      const shown = isFields(value) || Array.isArray(value) ? '' : `: ${JSON.stringify(value)}`;
      return { field, reason: 'FieldValueInvalid', message: `Invalid value${shown}: ${detail}` };
    }
  }
}
