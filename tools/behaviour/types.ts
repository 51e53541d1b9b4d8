import type { Rule } from '../../src/decision/rules.ts';

/** Something that Windlass does, in one sentence, and the test that holds it: file, name of the test or of its row. */
export type Behaviour = readonly [says: string, file: string, test: string, ...rules: Rule[]];

export interface Chapter {
  title: string;
  behaviours: readonly Behaviour[];
}
