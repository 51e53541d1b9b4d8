import { nearest } from '../../base/nearest.ts';
import { FUNCTIONS } from './functions.ts';
import { FormulaError, type FormulaProblem } from './problem.ts';
import type { Node } from './syntax.ts';
import {
  ANY,
  BOOLEAN,
  comparable,
  FLOAT,
  INT,
  joined,
  mayBe,
  mayBeNumber,
  NIL,
  nameOfType,
  STRING,
  type Type,
} from './types.ts';

interface Scope {
  locals: ReadonlyMap<string, Type>;
  /** Types of `#` and `#acc`, inside a predicate. */
  item: Type | undefined;
}

export interface CheckResult {
  /** Undefined when there are problems. */
  type: Type | undefined;
  problems: FormulaProblem[];
  /** Triggers that the formula names, in order of appearance. */
  variables: string[];
}

/** Finds every name that is not there and every operator that cannot take what it is given. Variables are floats. */
export function checkFormula(tree: Node, names: ReadonlySet<string>): CheckResult {
  const problems: FormulaProblem[] = [];
  const variables = new Set<string>();

  /** Notes the problem and goes on as if the type were not known, so that one mistake is told once. */
  const wrong = (at: number, message: string): Type => {
    problems.push({ at, message });
    return ANY;
  };

  function typeOf(node: Node, scope: Scope): Type {
    switch (node.kind) {
      case 'number':
        return node.whole ? INT : FLOAT;
      case 'string':
        return STRING;
      case 'boolean':
        return BOOLEAN;
      case 'nil':
        return NIL;
      case 'name':
        return typeOfName(node, scope);
      case 'pointer':
        return node.name === 'index' ? INT : node.name === 'acc' ? ANY : (scope.item ?? ANY);
      case 'array':
        return {
          kind: 'list',
          item:
            node.items
              .map((item) => typeOf(item, scope))
              .reduce<Type | undefined>((a, b) => (a ? joined(a, b) : b), undefined) ?? ANY,
        };
      case 'unary':
        return typeOfUnary(node, typeOf(node.operand, scope));
      case 'binary':
        return typeOfBinary(node, typeOf(node.left, scope), typeOf(node.right, scope));
      case 'conditional': {
        const condition = typeOf(node.condition, scope);
        if (!mayBe(condition, 'boolean'))
          wrong(node.condition.at, `a condition has to be true or false, not ${nameOfType(condition)}`);
        return joined(typeOf(node.yes, scope), typeOf(node.no, scope));
      }
      case 'let':
        return typeOfLet(node, scope);
      case 'index':
        return typeOfIndex(node, scope);
      case 'call':
        return typeOfCall(node, scope);
    }
  }

  function typeOfName({ name, at }: Node & { kind: 'name' }, { locals }: Scope): Type {
    const local = locals.get(name);
    if (local) return local;
    if (names.has(name)) {
      variables.add(name);
      return FLOAT;
    }
    return wrong(at, unknownName(name, names));
  }

  function typeOfUnary({ operator, at }: Node & { kind: 'unary' }, operand: Type): Type {
    if (operator === '!') {
      if (mayBe(operand, 'boolean')) return BOOLEAN;
      return wrong(at, `not needs true or false, not ${nameOfType(operand)}`);
    }
    return mayBeNumber(operand) ? operand : wrong(at, `${operator} needs a number, not ${nameOfType(operand)}`);
  }

  function typeOfBinary({ operator, at }: Node & { kind: 'binary' }, left: Type, right: Type): Type {
    const refuse = (needs: string) =>
      wrong(at, `${operator} needs ${needs}, not ${nameOfType(left)} and ${nameOfType(right)}`);
    const both = (kind: Type['kind']) => mayBe(left, kind) && mayBe(right, kind);
    const bothNumbers = mayBeNumber(left) && mayBeNumber(right);
    switch (operator) {
      case '??':
        return joined(left, right);
      case '&&':
      case '||':
        return both('boolean') ? BOOLEAN : refuse('true or false on both sides');
      case '==':
      case '!=':
        return comparable(left, right) ? BOOLEAN : refuse('two values of one kind');
      case '<':
      case '<=':
      case '>':
      case '>=':
        return bothNumbers || both('string') ? BOOLEAN : refuse('two numbers');
      case 'in':
        if (right.kind === 'any') return BOOLEAN;
        if (right.kind !== 'list') return refuse('a list on the right');
        return comparable(left, right.item) ? BOOLEAN : refuse('a value of the kind in the list');
      case 'contains':
      case 'startsWith':
      case 'endsWith':
        return both('string') ? BOOLEAN : refuse('two texts');
      case '..':
        return both('int') ? { kind: 'list', item: INT } : refuse('two whole numbers');
      case '%':
        return both('int') ? INT : refuse('two whole numbers (use int(…))');
      case '/':
      case '**':
        return bothNumbers ? FLOAT : refuse('two numbers');
      case '+':
        if (both('string') && left.kind === 'string') return STRING;
        return bothNumbers ? sumType(left, right) : refuse('two numbers');
      case '-':
      case '*':
        return bothNumbers ? sumType(left, right) : refuse('two numbers');
    }
  }

  function typeOfLet({ name, at, value, body }: Node & { kind: 'let' }, scope: Scope): Type {
    if (names.has(name)) wrong(at, `${name} is a trigger already: give the variable another name`);
    else if (scope.locals.has(name) || Object.hasOwn(FUNCTIONS, name))
      wrong(at, `${name} is declared already: give the variable another name`);
    const type = typeOf(value, scope);
    return typeOf(body, { ...scope, locals: new Map([...scope.locals, [name, type]]) });
  }

  function typeOfIndex({ list, index, at }: Node & { kind: 'index' }, scope: Scope): Type {
    const type = typeOf(list, scope);
    const position = typeOf(index, scope);
    if (!mayBe(position, 'int')) wrong(index.at, `a position in a list is a whole number, not ${nameOfType(position)}`);
    if (type.kind === 'list') return type.item;
    return type.kind === 'any' ? ANY : wrong(at, `[ ] needs a list, not ${nameOfType(type)}`);
  }

  function typeOfCall({ name, at, args, predicate }: Node & { kind: 'call' }, scope: Scope): Type {
    const called = FUNCTIONS[name];
    if (!called) return wrong(at, `there is no function ${name}`);
    const types = args.map((arg) => typeOf(arg, scope));
    const [fewest, most] = called.arity;
    if (args.length < fewest) return wrong(at, `${name} needs ${fewest === 1 ? 'an argument' : `${fewest} arguments`}`);
    if (args.length > most)
      return wrong(at, `${name} takes ${most === 1 ? 'one argument' : `${most} arguments`}, not ${args.length}`);
    if (called.predicate?.required && !predicate)
      return wrong(at, `${name} needs a second argument like # > 1, which is asked for each item`);
    const [list = ANY] = types;
    const body = predicate && typeOf(predicate, { ...scope, item: list.kind === 'list' ? list.item : ANY });
    if (body && called.predicate?.boolean && !mayBe(body, 'boolean'))
      return wrong(predicate.at, `${name} needs true or false for each item, not ${nameOfType(body)}`);
    try {
      return called.type(types, body, (why) => new FormulaError(`${name} ${why}`, at));
    } catch (error) {
      if (error instanceof FormulaError) return wrong(error.at, error.message);
      throw error;
    }
  }

  const type = typeOf(tree, { locals: new Map(), item: undefined });
  return { type: problems.length === 0 ? type : undefined, problems, variables: [...variables] };
}

function sumType(left: Type, right: Type): Type {
  if (left.kind === 'any' || right.kind === 'any') return ANY;
  return left.kind === 'int' && right.kind === 'int' ? INT : FLOAT;
}

function unknownName(name: string, names: ReadonlySet<string>): string {
  // `queue-a` is read as queue minus a, which puzzles people who named a trigger so.
  const dashed = [...names].find((known) => !/^[\p{L}_$][\p{L}\p{Nd}_$]*$/u.test(known) && known.includes(name));
  if (dashed)
    return `there is no trigger named ${name}; the trigger "${dashed}" cannot be named in a formula: use letters, digits and _`;
  // Among names of a letter or two everything is close to everything.
  const meant = name.length > 2 ? nearest(name, [...names]) : undefined;
  const known = names.size === 0 ? 'no trigger has a name' : `there are ${[...names].join(', ')}`;
  return `there is no trigger named ${name}; ${meant ? `did you mean ${meant}?` : known}`;
}
