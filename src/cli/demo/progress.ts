/** Where a story is told: one line that is redrawn on a terminal, a line now and then elsewhere. */
export interface Progress {
  /** A line that stays. */
  say(line: string): void;
  /** The line that shows how far it is; replaces the one before it on a terminal. */
  update(line: string): void;
  /** Ends the redrawn line. */
  done(): void;
}

/** Milliseconds between progress lines where nothing can be redrawn. */
const PLAIN_EVERY_MS = 2_000;

export function createProgress(out: NodeJS.WriteStream, now: () => number = Date.now): Progress {
  let shown = '';
  let last = 0;
  const clear = () => {
    if (shown !== '' && out.isTTY) out.write('\r\x1b[K');
    shown = '';
  };
  return {
    say(line) {
      clear();
      out.write(`${line}\n`);
    },
    update(line) {
      if (line === shown) return;
      if (out.isTTY) {
        out.write(`\r\x1b[K${line.slice(0, (out.columns ?? 80) - 1)}`);
        shown = line;
      } else if (now() - last >= PLAIN_EVERY_MS) {
        out.write(`${line}\n`);
        last = now();
        shown = line;
      }
    },
    done() {
      if (shown !== '' && out.isTTY) out.write('\n');
      shown = '';
    },
  };
}

/** `[#####-----]` for a share between 0 and 1. */
export function bar(share: number, width = 24): string {
  const full = Math.round(Math.min(Math.max(share, 0), 1) * width);
  return `[${'#'.repeat(full)}${'-'.repeat(width - full)}]`;
}
