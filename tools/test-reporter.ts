import { writeFileSync } from 'node:fs';
import type { Reporter, TestModule } from 'vitest/node';

export interface Totals {
  passed: number;
  failed: number;
  skipped: number;
}

/** One calm line a test file, the reasons of what failed, and the sums in the file named by WINDLASS_TEST_REPORT. */
// biome-ignore lint/style/noDefaultExport: vitest loads reporters by their default export
export default class CalmReporter implements Reporter {
  private totals: Totals = { passed: 0, failed: 0, skipped: 0 };
  private done = 0;
  private all = 0;

  onTestRunStart(specifications: readonly unknown[]): void {
    this.all = specifications.length;
  }

  onTestModuleEnd(module: TestModule): void {
    this.done++;
    let count = 0;
    const failures: string[] = [];
    for (const test of module.children.allTests()) {
      const { state, errors } = test.result();
      if (state === 'passed') this.totals.passed++;
      else if (state === 'failed') {
        this.totals.failed++;
        failures.push(`        ${test.fullName}\n${describe(errors)}`);
      } else this.totals.skipped++;
      count++;
    }
    const broken = module.errors();
    if (broken.length > 0) {
      this.totals.failed++;
      failures.push(describe(broken));
    }
    const took = Math.round(module.diagnostic().duration);
    const mark = failures.length === 0 ? 'ok  ' : 'FAIL';
    const where = `${this.done}/${this.all}`.padStart(7);
    process.stdout.write(`${where} ${mark} ${module.relativeModuleId} (${count} tests, ${took} ms)\n`);
    for (const failure of failures) process.stdout.write(`${failure}\n`);
  }

  onTestRunEnd(_modules: readonly TestModule[], unhandled: readonly { message?: string; stack?: string }[]): void {
    if (unhandled.length > 0) {
      this.totals.failed += unhandled.length;
      process.stdout.write(`        errors outside of tests:\n${describe(unhandled)}\n`);
    }
    const file = process.env.WINDLASS_TEST_REPORT;
    if (file) writeFileSync(file, JSON.stringify(this.totals));
  }
}

function describe(
  errors: readonly { message?: string | undefined; stack?: string | undefined; diff?: string | undefined }[] = [],
): string {
  return errors
    .map((error) =>
      [error.stack ?? error.message ?? 'unknown error', error.diff ?? '']
        .join('\n')
        .trimEnd()
        .replace(/^/gm, '          '),
    )
    .join('\n');
}
