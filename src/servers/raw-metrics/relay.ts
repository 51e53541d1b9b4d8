import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../../base/clock.ts';
import { createPool, dispatchRequest } from '../../base/connection-pool.ts';
import type { Logger } from '../../base/log.ts';
import type { RawReading } from '../../controllers/raw-readings.ts';
import type { PeerCredentials } from '../peers/types.ts';
import type { MetricRef, RawMetricsHub } from './hub.ts';

/** The path under which a replica follows readings of another one. */
export const READINGS_PATH = '/v1/readings';

const HEARTBEAT_MS = 5_000;
const SILENCE_MS = 3 * HEARTBEAT_MS;
const CONNECT_MS = 3_000;
const AGAIN_MS = 1_000;
/** Subscriptions come in flocks. */
const SETTLE_MS = 50;

/**
 * Sends another replica the readings that it names in its request, one JSON text a line, and an empty line now and then
 * to show that this end lives.
 */
export async function serveReadings(
  request: IncomingMessage,
  response: ServerResponse,
  { hub, clock }: { hub: Pick<RawMetricsHub, 'tap'>; clock: Clock },
): Promise<void> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  const metrics = JSON.parse(Buffer.concat(pieces).toString('utf8')) as MetricRef[];
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  response.flushHeaders();
  const send = (text: string) => {
    // A replica that does not read for so long will open another stream: what waits for it is of no use.
    if (!response.writableNeedDrain) response.write(text);
  };
  const stop = hub.tap(metrics, (reading) => send(`${JSON.stringify(reading)}\n`));
  let timer = clock.after(HEARTBEAT_MS, beat);
  function beat() {
    send('\n');
    timer = clock.after(HEARTBEAT_MS, beat);
  }
  response.on('close', () => {
    timer.cancel();
    stop();
  });
}

export interface RelayOptions {
  hub: RawMetricsHub;
  /** Where the other replicas answer. */
  others(): readonly string[];
  credentials: PeerCredentials;
  clock: Clock;
  log: Logger;
}

export interface Relay {
  /** Replicas have come or gone. */
  update(): void;
  setCredentials(credentials: PeerCredentials): void;
  stop(): void;
}

/**
 * Follows, at every other replica, what subscribers of this one want, so that they get it whoever owns the object. While
 * there are no subscribers nothing is asked.
 */
export function createRelay(options: RelayOptions): Relay {
  const { hub, others, clock, log } = options;
  let { credentials } = options;
  /** By address: what is asked for there, and how to end it. */
  const streams = new Map<string, { asked: string; control: AbortController }>();
  let settling: { cancel(): void } | undefined;
  let stopped = false;

  const update = () => {
    settling?.cancel();
    if (!stopped) settling = clock.after(SETTLE_MS, apply);
  };
  hub.onWanted(update);

  function apply() {
    const wanted = hub.wanted();
    const addresses = new Set(wanted.length === 0 ? [] : others());
    for (const [address, { control }] of streams) {
      if (addresses.has(address)) continue;
      streams.delete(address);
      control.abort();
    }
    const asked = JSON.stringify(wanted);
    for (const address of addresses) {
      const former = streams.get(address);
      if (former?.asked === asked) continue;
      const control = new AbortController();
      streams.set(address, { asked, control });
      // The former stream goes on until the new one is open, so that no reading is missed in between.
      void follow(address, asked, control.signal, () => former?.control.abort());
    }
  }

  async function follow(address: string, body: string, signal: AbortSignal, onTried: () => void): Promise<void> {
    while (!signal.aborted) {
      const { ca, cert, key, name } = credentials;
      const pool = createPool(`https://${address}`, {
        connect: { ca, cert, key, servername: name, timeout: CONNECT_MS },
        headersTimeout: SILENCE_MS,
        bodyTimeout: SILENCE_MS,
      });
      try {
        const answer = await dispatchRequest(pool, { method: 'POST', path: READINGS_PATH, body, signal });
        if (answer.statusCode !== 200) throw new Error(`it answers ${answer.statusCode}: ${await answer.body.text()}`);
        onTried();
        let rest = '';
        for await (const piece of answer.body.setEncoding('utf8')) {
          const lines = (rest + piece).split('\n');
          rest = lines.pop() ?? '';
          for (const line of lines) if (line !== '') hub.relayed(JSON.parse(line) as RawReading);
        }
      } catch (error) {
        if (!signal.aborted) log.info('raw metrics of another replica cannot be followed', { address, error });
        onTried();
      } finally {
        await pool.destroy();
      }
      await clock.sleep(AGAIN_MS, signal).catch(() => {});
    }
  }

  const end = () => {
    for (const { control } of streams.values()) control.abort();
    streams.clear();
  };

  return {
    update,
    setCredentials(fresh) {
      credentials = fresh;
      end();
      update();
    },
    stop() {
      stopped = true;
      settling?.cancel();
      end();
    },
  };
}
