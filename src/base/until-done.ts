import type { Clock } from './clock.ts';
import { describeError } from './errors.ts';

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 30_000;

/** Does something until it works or the signal is aborted; `tell` hears what stands in the way when that changes. */
export async function untilDone(
  run: () => Promise<void>,
  { clock, tell, signal }: { clock: Clock; tell: (error: unknown) => void; signal: AbortSignal },
): Promise<void> {
  let told = '';
  for (let wait = FIRST_RETRY_MS; ; wait = Math.min(wait * 2, LONGEST_RETRY_MS)) {
    try {
      return await run();
    } catch (error) {
      signal.throwIfAborted();
      const text = describeError(error);
      if (text !== told) tell(error);
      told = text;
    }
    await clock.sleep(wait, signal);
  }
}
