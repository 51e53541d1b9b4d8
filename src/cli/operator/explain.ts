import { describeError, hasCode } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import type { Records } from '../../controllers/records.ts';
import { createExplainServer } from '../../servers/explain/index.ts';

export interface ExplainOptions {
  /** An address of this machine alone. */
  host: string;
  /** 0 is a free one. */
  port: number;
  /** Take any free port when the port is taken. */
  elseAnyPort?: boolean | undefined;
}

export interface RunningExplain {
  host: string;
  port: number;
  stop(): Promise<void>;
}

/**
 * Tells decisions to `windlass explain`. Nothing depends on it, so a port that is taken (two operators on one machine)
 * is only logged.
 * @throws InvalidArgument for an address that others reach
 */
export async function startExplain(
  { host, port, elseAnyPort = false }: ExplainOptions,
  { records, log }: { records: Records; log: Logger },
): Promise<RunningExplain | undefined> {
  for (const wanted of elseAnyPort && port !== 0 ? [port, 0] : [port]) {
    const server = createExplainServer({ records, log });
    try {
      const address = await server.listen(host, wanted);
      return { ...address, stop: () => server.close() };
    } catch (error) {
      if (hasCode(error, 'InvalidArgument')) throw error;
      log.info('decisions are not told here', { host, port: wanted, why: describeError(error) });
    }
  }
  return undefined;
}
