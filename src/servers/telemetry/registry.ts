/**
 * Series in the text format of Prometheus. Small on purpose: a label set is turned into its text once, when the series
 * is made, so that a scrape of forty thousand series is little more than joining strings.
 */

export type Labels = Readonly<Record<string, string>>;

export interface Counter<L extends Labels = Labels> {
  /** Adds `by` (1); by 0 makes the series appear. */
  add(labels: L, by?: number): void;
  remove(labels: L): void;
}

export interface Gauge<L extends Labels = Labels> {
  set(labels: L, value: number): void;
  add(labels: L, by: number): void;
  remove(labels: L): void;
}

export interface Histogram<L extends Labels = Labels> {
  observe(labels: L, value: number): void;
  remove(labels: L): void;
}

export interface Registry {
  counter<L extends Labels>(name: string, help: string): Counter<L>;
  gauge<L extends Labels>(name: string, help: string): Gauge<L>;
  histogram<L extends Labels>(name: string, help: string, buckets: readonly number[]): Histogram<L>;
  /** A series that is worked out when it is scraped; undefined leaves it out. */
  computed(name: string, help: string, type: 'counter' | 'gauge', read: () => number | undefined): void;
  /** The text, one piece per family. */
  render(): IterableIterator<string>;
}

interface Family {
  name: string;
  head: string;
  lines(): Iterable<string>;
}

interface Distribution {
  counts: number[];
  sum: number;
  count: number;
  labels: Labels;
}

export const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export function createRegistry(): Registry {
  const families: Family[] = [];

  const declare = (name: string, help: string, type: string, lines: () => Iterable<string>) => {
    if (families.some((family) => family.name === name)) throw new Error(`the series ${name} is declared twice`);
    const text = help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
    families.push({ name, head: `# HELP ${name} ${text}\n# TYPE ${name} ${type}\n`, lines });
    families.sort((a, b) => (a.name < b.name ? -1 : 1));
  };

  const values = (name: string, help: string, type: 'counter' | 'gauge') => {
    const series = new Map<string, number>();
    declare(name, help, type, function* () {
      for (const [labels, value] of series) yield `${name}${labels} ${numberText(value)}\n`;
    });
    const add = (labels: Labels, by: number) => {
      const key = labelText(labels);
      series.set(key, (series.get(key) ?? 0) + by);
    };
    return { series, add, remove: (labels: Labels) => void series.delete(labelText(labels)) };
  };

  return {
    counter(name, help) {
      const { add, remove } = values(name, help, 'counter');
      return { add: (labels, by = 1) => add(labels, by), remove };
    },
    gauge(name, help) {
      const { series, add, remove } = values(name, help, 'gauge');
      return { set: (labels, value) => void series.set(labelText(labels), value), add, remove };
    },
    histogram(name, help, buckets) {
      const series = new Map<string, Distribution>();
      declare(name, help, 'histogram', function* () {
        for (const [text, { counts, sum, count, labels }] of series) {
          let below = 0;
          for (const [index, bound] of buckets.entries()) {
            below += counts[index] ?? 0;
            yield `${name}_bucket${labelText({ ...labels, le: numberText(bound) })} ${below}\n`;
          }
          yield `${name}_bucket${labelText({ ...labels, le: '+Inf' })} ${count}\n`;
          yield `${name}_sum${text} ${numberText(sum)}\n${name}_count${text} ${count}\n`;
        }
      });
      return {
        observe(labels, value) {
          const key = labelText(labels);
          let entry = series.get(key);
          if (!entry) {
            entry = { counts: new Array(buckets.length).fill(0), sum: 0, count: 0, labels };
            series.set(key, entry);
          }
          const index = buckets.findIndex((bound) => value <= bound);
          if (index >= 0) entry.counts[index] = (entry.counts[index] ?? 0) + 1;
          entry.sum += value;
          entry.count++;
        },
        remove: (labels) => void series.delete(labelText(labels)),
      };
    },
    computed(name, help, type, read) {
      declare(name, help, type, () => {
        const value = read();
        return value === undefined ? [] : [`${name} ${numberText(value)}\n`];
      });
    },
    *render() {
      for (const { head, lines } of families) {
        let body = '';
        for (const line of lines()) body += line;
        // A family without series is left out, as Prometheus' own clients do.
        if (body !== '') yield head + body;
      }
    },
  };
}

/** Labels in alphabetical order, as Prometheus' Go client writes them. */
function labelText(labels: Labels): string {
  const parts = Object.keys(labels)
    .sort()
    .map((name) => `${name}="${escapeValue(labels[name] ?? '')}"`);
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}

function escapeValue(value: string): string {
  return /["\\\n]/.test(value) ? value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n') : value;
}

function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  if (value === Number.NEGATIVE_INFINITY) return '-Inf';
  return String(value);
}
