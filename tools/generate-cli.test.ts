import { expect, test } from 'vitest';
import type { CommandDefinition } from '../src/cli/command.ts';
import { FLAGS, IGNORED } from '../src/cli/operator/flags.ts';
import { root } from '../src/cli/root.ts';
import { generateCliPage, generateFlagsPage } from './generate-cli.ts';

const shown = (command: CommandDefinition): string[] => [
  ...Object.entries(command.options).flatMap(([name, option]) => (option.hidden ? [] : [name])),
  ...(command.subcommands ?? []).flatMap(shown),
];
const rows = (page: string) => page.split('\n').filter((line) => line.startsWith('| `--'));

test('the page of the command line has every command with every option', () => {
  const page = generateCliPage().get('docs/reference/cli.md') ?? '';
  /** Another command may show an option of the same name. */
  const seen = (name: string) => shown(root).includes(name);
  const check = (command: CommandDefinition, path: string) => {
    expect(page).toContain(`# ${path}\n`);
    for (const [name, option] of Object.entries(command.options))
      expect(new RegExp(`^\\| \`[^\`]*--${name}[ \`]`, 'm').test(page), `${path} --${name}`).toBe(
        !option.hidden || seen(name),
      );
    for (const sub of command.subcommands ?? []) check(sub, `${path} ${sub.name}`);
  };
  for (const command of root.subcommands ?? []) check(command, `windlass ${command.name}`);
});

test('the page of flags has each of them once', () => {
  const page = generateFlagsPage().get('docs/reference/operator-flags.md') ?? '';
  const names = rows(page).map((line) => /--([\w-]+)/.exec(line)?.[1]);
  expect(names).toEqual([...Object.keys(FLAGS), ...Object.keys(IGNORED)]);
});

test('tables have as many cells in each row as they have columns', () => {
  for (const page of [...generateCliPage().values(), ...generateFlagsPage().values()]) {
    let columns = 0;
    for (const line of page.split('\n')) {
      if (!line.startsWith('|')) {
        columns = 0;
        continue;
      }
      const cells = line.split(/(?<!\\)\|/).length;
      if (columns === 0) columns = cells;
      expect(cells, line).toBe(columns);
    }
  }
});
