import { RULES, type Rule } from '../src/decision/rules.ts';
import { ADMITTED } from './behaviour/admission.ts';
import { AROUND } from './behaviour/around.ts';
import { HPA_AND_CONDITIONS } from './behaviour/hpa.ts';
import { MISTAKES } from './behaviour/mistakes.ts';
import { SCALED_JOBS } from './behaviour/scaled-jobs.ts';
import { SCALED_OBJECTS } from './behaviour/scaled-objects.ts';
import type { Chapter } from './behaviour/types.ts';

/** Everything that is promised, chapter by chapter, each with the test that holds it. */
export const CHAPTERS: readonly Chapter[] = [
  ...SCALED_OBJECTS,
  ...HPA_AND_CONDITIONS,
  ...SCALED_JOBS,
  ...AROUND,
  ...ADMITTED,
  ...MISTAKES,
];

/** The page of all promises, numbered by chapter. */
export function generateBehaviourPage(): Map<string, string> {
  const lines = [
    '<!-- Made by `npm run generate` from tools/behaviour; change the sentence there. -->',
    '',
    '# Behaviour',
    '',
    'What Windlass does, rule by rule, and the test that holds each. It is what KEDA 2.21 does, except where',
    '[differences](../differences.md) says otherwise. What is not built yet is not here.',
  ];
  const heldBy = new Map<Rule, string>();
  for (const [i, { title, behaviours }] of CHAPTERS.entries()) {
    lines.push('', `## ${i + 1}. ${title}`, '', '| | Rule | Test |', '|---|---|---|');
    for (const [j, [says, file, test, ...rules]] of behaviours.entries()) {
      const id = `${i + 1}.${j + 1}`;
      for (const rule of rules) heldBy.set(rule, heldBy.get(rule) ?? id);
      lines.push(`| ${id} | ${says} | [${file.split('/').at(-1)}](../../${file}) › ${test.replaceAll('|', '\\|')} |`);
    }
  }
  lines.push(
    '',
    '## Rules of decisions',
    '',
    'Each decision names one of these; `windlass explain` shows it.',
    '',
    '| Rule | Meaning | Held by |',
    '|---|---|---|',
  );
  for (const [rule, meaning] of Object.entries(RULES))
    lines.push(`| \`${rule}\` | ${meaning} | ${heldBy.get(rule as Rule) ?? ''} |`);
  return new Map([['docs/reference/behaviour.md', `${lines.join('\n')}\n`]]);
}
