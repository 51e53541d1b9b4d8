import type { Dispatcher, Pool } from 'undici';
// undici's front door also loads fetch, WebSocket, caches and mocks: 29 MB of resident memory instead of 15 MB.
import sendRequest from 'undici/lib/api/api-request.js';
import PoolOfOneOrigin from 'undici/lib/dispatcher/pool.js';

export type { Dispatcher, Pool } from 'undici';

/** Keep-alive connections to one origin, HTTP/1.1 unless told otherwise. */
export function createPool(origin: string | URL, options: Pool.Options = {}): Dispatcher {
  return new PoolOfOneOrigin(origin, { allowH2: false, ...options });
}

/**
 * Sends a request through a dispatcher; resolves with the answer's head and a body to be read or destroyed.
 * @param beforeWrite is called when a connection is there and right before the first byte is written to it; what it
 * throws is thrown here, and nothing is written
 */
export function dispatchRequest(
  dispatcher: Dispatcher,
  options: Dispatcher.RequestOptions,
  beforeWrite?: () => void,
): Promise<Dispatcher.ResponseData> {
  return sendRequest.call(beforeWrite ? asking(dispatcher, beforeWrite) : dispatcher, options);
}

function asking(dispatcher: Dispatcher, beforeWrite: () => void): Dispatcher {
  const dispatch: Dispatcher['dispatch'] = (options, handler) => {
    const start = handler.onRequestStart?.bind(handler);
    handler.onRequestStart = (controller, context) => {
      try {
        beforeWrite();
      } catch (error) {
        controller.abort(error instanceof Error ? error : new Error(String(error)));
        return;
      }
      start?.(controller, context);
    };
    return dispatcher.dispatch(options, handler);
  };
  return { dispatch } as Dispatcher;
}
