/**
 * Flags of Node.js for an operator. What is young is collected in spaces of 4 MB instead of 16: after a burst of new
 * objects less garbage stays resident, for a little more work (see docs/reference/figures.md). V8 reads that setting only
 * at its start; the others are in src/cli/operator/heap.ts.
 */
export const OPERATOR_FLAGS = ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=4'];
