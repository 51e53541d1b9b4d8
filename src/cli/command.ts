import { parseArgs, stripVTControlCharacters } from 'node:util';
import { parseBoolean } from '../base/boolean.ts';
import { WindlassError } from '../base/errors.ts';
import { nearest } from '../base/nearest.ts';

export interface OptionDefinition {
  type: 'string' | 'boolean';
  /** One letter, without the dash. */
  short?: string;
  description: string;
  /** Shown in help as the option's argument. */
  argument?: string;
  default?: string;
  multiple?: boolean;
  /** Name of the environment variable that is used when the option is not given. */
  env?: string;
  /** Taken, but not shown in help. */
  hidden?: boolean;
}

export interface CommandContext {
  options: Record<string, string | boolean | string[] | undefined>;
  args: string[];
  env: NodeJS.ProcessEnv;
  stdin: NodeJS.ReadStream;
  /** Writes a line to standard output. */
  print(line?: string): void;
  /** Writes a line to standard error. */
  warn(line: string): void;
  /** Aborted by the first Ctrl-C or SIGTERM. */
  signal: AbortSignal;
}

/** A command as data: help, parsing and the reference page follow from it. */
export interface CommandDefinition {
  name: string;
  summary: string;
  /** Positional arguments as help shows them, e.g. `[STORY]`. */
  usage?: string;
  description?: string;
  options: Record<string, OptionDefinition>;
  /** Flags may be written as Go programs take them: one dash for two, `--flag=false`, underscores for dashes. */
  goFlags?: boolean;
  examples: { command: string; what: string }[];
  subcommands?: CommandDefinition[];
  /** The process's exit code. Absent for a command that only groups others. */
  run?(context: CommandContext): Promise<number>;
}

/** Helps inference and keeps the definitions greppable. */
export const defineCommand = (definition: CommandDefinition): CommandDefinition => definition;

const HELP: OptionDefinition = { type: 'boolean', short: 'h', description: 'Show this help' };

/** Finds the command that the words name; the rest are its arguments. */
export function resolveCommand(
  root: CommandDefinition,
  words: readonly string[],
): { path: CommandDefinition[]; rest: string[] } {
  const path = [root];
  const rest = [...words];
  for (;;) {
    const current = path.at(-1) ?? root;
    const next = current.subcommands?.find((command) => command.name === rest[0]);
    if (!next) return { path, rest };
    path.push(next);
    rest.shift();
  }
}

/**
 * Parses a command's options.
 * @throws InvalidArgument for unknown options, with the nearest known one
 */
export function parseOptions(
  command: CommandDefinition,
  words: string[],
  env: NodeJS.ProcessEnv,
): Pick<CommandContext, 'options' | 'args'> {
  const known: Record<string, OptionDefinition> = { ...command.options, help: HELP };
  const { goFlags = false } = command;
  try {
    const { values, positionals } = parseArgs({
      args: goFlags ? fromGo(words, known) : words,
      allowPositionals: true,
      options: Object.fromEntries(
        Object.entries(known).map(([name, option]) => [
          name,
          {
            type: goFlags ? 'string' : option.type,
            ...(option.short ? { short: option.short } : {}),
            ...(option.multiple ? { multiple: true } : {}),
          },
        ]),
      ),
    });
    const options: CommandContext['options'] = {};
    for (const [name, option] of Object.entries(known)) {
      const parsed = values[name] as string | boolean | string[] | undefined;
      const given = goFlags && option.type === 'boolean' ? truthOf(name, parsed ?? option.default) : parsed;
      const fromEnv = option.env ? env[option.env] : undefined;
      options[name] =
        given ?? (fromEnv === undefined ? option.default : option.type === 'boolean' ? fromEnv === 'true' : fromEnv);
    }
    return { options, args: positionals };
  } catch (error) {
    if (error instanceof WindlassError) throw error;
    const message = error instanceof Error ? (error.message.split('. ')[0] ?? error.message) : String(error);
    const unknown = /option '(-[^' ]+)/.exec(message)?.[1];
    const near = unknown ? nearest(unknown.replace(/^-+/, ''), Object.keys(known)) : undefined;
    throw new WindlassError('InvalidArgument', message, {
      hint: near ? `did you mean --${near}?` : 'see --help',
    });
  }
}

/** Words as Go programs take them, in the words of this program. */
function fromGo(words: readonly string[], known: Record<string, OptionDefinition>): string[] {
  const out: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? '';
    if (word === '--') return [...out, ...words.slice(i)];
    const match = /^(--?)([A-Za-z][\w-]*)(?:=([\s\S]*))?$/.exec(word);
    const name = match?.[2]?.replaceAll('_', '-') ?? '';
    const short = Object.keys(known).find((key) => match?.[1] === '-' && known[key]?.short === name);
    const option = known[short ?? name];
    if (!match || !option) {
      out.push(word);
      continue;
    }
    const value = match[3] ?? (option.type === 'boolean' ? 'true' : words[++i]);
    out.push(value === undefined ? `--${short ?? name}` : `--${short ?? name}=${value}`);
  }
  return out;
}

function truthOf(name: string, given: string | boolean | string[] | undefined): boolean | undefined {
  if (typeof given !== 'string') return undefined;
  try {
    return parseBoolean(given);
  } catch (cause) {
    throw new WindlassError('InvalidArgument', `--${name} is "${given}"`, { hint: 'use true or false', cause });
  }
}

/** The help text of a command. */
export function formatHelp(path: readonly CommandDefinition[]): string {
  const command = path.at(-1);
  if (!command) return '';
  const name = path.map((part) => part.name).join(' ');
  const lines: string[] = [command.summary, ''];
  const rest = [command.subcommands ? 'COMMAND' : '', command.usage ?? ''].filter(Boolean).join(' ');
  lines.push('Usage', `  ${name}${rest ? ` ${rest}` : ''} [options]`, '');
  if (command.description) lines.push(...command.description.trim().split('\n'), '');
  if (command.subcommands) {
    lines.push('Commands', ...table(command.subcommands.map((sub) => [sub.name, sub.summary])), '');
  }
  const shown = Object.entries({ ...command.options, help: HELP }).filter(([, option]) => !option.hidden);
  const options = shown.map(([key, option]): [string, string] => {
    const argument = option.type === 'string' ? ` ${option.argument ?? 'TEXT'}` : '';
    const notes = [
      option.default === undefined ? '' : `default: ${option.default || '""'}`,
      option.env ? `environment: ${option.env}` : '',
      option.multiple ? 'may be repeated' : '',
    ].filter(Boolean);
    return [
      `${option.short ? `-${option.short}, ` : '    '}--${key}${argument}`,
      notes.length === 0 ? option.description : `${option.description} (${notes.join('; ')})`,
    ];
  });
  lines.push('Options', ...table(options));
  if (command.examples.length > 0) {
    lines.push('', 'Examples');
    for (const example of command.examples) lines.push(`  ${example.command}`, `      ${example.what}`);
  }
  return lines.join('\n');
}

/** Two-column rows, indented; a long left cell gets a line of its own. */
function table(rows: [string, string][]): string[] {
  const width = Math.min(34, Math.max(...rows.map(([left]) => left.length)));
  return rows.flatMap(([left, right]) =>
    left.length <= width ? [`  ${left.padEnd(width)}  ${right}`] : [`  ${left}`, `  ${' '.repeat(width)}  ${right}`],
  );
}

/** Rows as aligned columns, the way kubectl prints tables. */
export function formatColumns(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = header.map((title, i) =>
    Math.max(title.length, ...rows.map((row) => stripVTControlCharacters(row[i] ?? '').length)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => cell + ' '.repeat(Math.max(0, (widths[i] ?? 0) - stripVTControlCharacters(cell).length)))
      .join('   ')
      .trimEnd();
  return [line(header), ...rows.map(line)];
}
