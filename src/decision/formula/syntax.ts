export type BinaryOperator =
  | '+'
  | '-'
  | '*'
  | '/'
  | '%'
  | '**'
  | '=='
  | '!='
  | '<'
  | '<='
  | '>'
  | '>='
  | '&&'
  | '||'
  | '??'
  | 'in'
  | 'contains'
  | 'startsWith'
  | 'endsWith'
  | '..';

/** A formula as a tree. `at` is the place in the text, counted in characters from 0. */
export type Node =
  | { kind: 'number'; at: number; value: number; whole: boolean }
  | { kind: 'string'; at: number; value: string }
  | { kind: 'boolean'; at: number; value: boolean }
  | { kind: 'nil'; at: number }
  | { kind: 'name'; at: number; name: string }
  /** `#`, `#acc` and `#index` inside a predicate. */
  | { kind: 'pointer'; at: number; name: '' | 'acc' | 'index' }
  | { kind: 'unary'; at: number; operator: '-' | '+' | '!'; operand: Node }
  | { kind: 'binary'; at: number; operator: BinaryOperator; left: Node; right: Node }
  | { kind: 'conditional'; at: number; condition: Node; yes: Node; no: Node }
  | { kind: 'let'; at: number; name: string; value: Node; body: Node }
  | { kind: 'array'; at: number; items: Node[] }
  | { kind: 'index'; at: number; list: Node; index: Node }
  /** The second argument of functions over lists, like `# > 1`, is a predicate, run for each item. */
  | { kind: 'call'; at: number; name: string; args: Node[]; predicate: Node | undefined };
