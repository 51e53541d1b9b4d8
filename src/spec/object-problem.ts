import { formatPath, type Path } from './object-path.ts';

/** One thing about one field of an object. */
export interface ObjectProblem {
  /** As formatPath writes it; "" is the object itself. */
  path: string;
  /** What is wrong and what to do, without the path. */
  message: string;
  /** The value as it was given, where showing it helps. */
  value?: unknown;
  /** The value is of the declared type, only not an allowed one, so that further rules can still look at it. */
  usable?: true;
}

/** Collects what validation finds: problems make the object invalid, warnings do not. */
export interface ProblemSink {
  problem(path: Path, message: string, value?: unknown, usable?: 'usable'): void;
  warning(path: Path, message: string, value?: unknown): void;
}

export interface CollectingSink extends ProblemSink {
  readonly problems: ObjectProblem[];
  readonly warnings: ObjectProblem[];
}

export function collectProblems(): CollectingSink {
  const problems: ObjectProblem[] = [];
  const warnings: ObjectProblem[] = [];
  const entry = (path: Path, message: string, value: unknown, usable?: 'usable'): ObjectProblem => ({
    path: formatPath(path),
    message,
    ...(value === undefined ? {} : { value }),
    ...(usable ? { usable: true } : {}),
  });
  return {
    problems,
    warnings,
    problem: (path, message, value, usable) => void problems.push(entry(path, message, value, usable)),
    warning: (path, message, value) => void warnings.push(entry(path, message, value)),
  };
}
