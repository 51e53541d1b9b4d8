/** Waits until `check` neither throws nor returns false; fails with its last error after `ms`. */
export async function eventually<T>(check: () => T | Promise<T>, ms = 20_000): Promise<T> {
  const deadline = performance.now() + ms;
  for (;;) {
    let failure: unknown;
    try {
      const value = await check();
      if (value !== false) return value;
      failure = new Error(`still false after ${ms} ms: ${check}`);
    } catch (error) {
      failure = error;
    }
    if (performance.now() > deadline) throw failure;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
