import { Agent, request } from 'node:https';
import type { KubeConnection, PemSource } from '../../../src/kube/config.ts';

const CLIENTS = 8;
/** Short turns one after the other, so that whatever else the machine does hits both alike. */
const TURN_SECONDS = 1;

/** Milliseconds that each request took. */
export interface Figures {
  took: number[];
  seconds: number;
}

const textOf = (source: PemSource | undefined) => (source && 'data' in source ? source.data : undefined);

function clientsOf(connection: KubeConnection) {
  const { server, ca, user } = connection;
  const tls = { ca: textOf(ca), cert: textOf(user.clientCertificate), key: textOf(user.clientKey) };
  const agents = Array.from({ length: CLIENTS }, () => new Agent({ ...tls, keepAlive: true, maxSockets: 1 }));
  return {
    /** Sends one GET over the connection of a client; milliseconds until the last byte. */
    get(client: number, path: string): Promise<number> {
      return new Promise((resolve, reject) => {
        const start = performance.now();
        request(`${server}${path}`, { agent: agents[client] }, (response) => {
          response.resume();
          response.on('end', () => {
            if (response.statusCode === 200) resolve(performance.now() - start);
            else reject(new Error(`${path}: status ${response.statusCode}`));
          });
          response.on('error', reject);
        })
          .on('error', reject)
          .end();
      });
    },
    close() {
      for (const agent of agents) agent.destroy();
    },
  };
}

/** Asks so many times a second, whether or not the last answer has come. */
export async function probe(
  connection: KubeConnection,
  pathOf: (turn: number) => string,
  options: { perSecond: number; seconds: number },
): Promise<Figures> {
  const clients = clientsOf(connection);
  const asked: Promise<number>[] = [];
  const count = options.perSecond * options.seconds;
  await Promise.all(Array.from({ length: CLIENTS }, (_, client) => clients.get(client, pathOf(client))));
  for (let turn = 0; turn < count; turn++) {
    const answer = clients.get(turn % CLIENTS, pathOf(turn));
    // Told at the end.
    answer.catch(() => {});
    asked.push(answer);
    await new Promise((resolve) => setTimeout(resolve, 1_000 / options.perSecond));
  }
  const took = await Promise.all(asked);
  clients.close();
  return { took, seconds: options.seconds };
}

/**
 * Eight clients, each asking anew when it has its answer, for both kinds of request in turns; rates pair by pair.
 * `asked` is how many of ours there were in all, the warming up included.
 */
export async function closedLoops(
  connection: KubeConnection,
  paths: { ours: (turn: number) => string; plain: (turn: number) => string },
  seconds: number,
): Promise<{ ours: Figures; plain: Figures; rateRatio: number; asked: number }> {
  const clients = clientsOf(connection);
  let turn = 0;
  const drive = async (pathOf: (turn: number) => string, forSeconds: number): Promise<number[]> => {
    const end = performance.now() + forSeconds * 1_000;
    const took: number[] = [];
    const loop = async (client: number) => {
      while (performance.now() < end) took.push(await clients.get(client, pathOf(turn++)));
    };
    await Promise.all(Array.from({ length: CLIENTS }, (_, client) => loop(client)));
    return took;
  };
  const ours: Figures = { took: [], seconds: 0 };
  const plain: Figures = { took: [], seconds: 0 };
  const ratios: number[] = [];
  await drive(paths.plain, 1);
  const warmUp = await drive(paths.ours, 1);
  for (let spent = 0; spent < seconds; spent += TURN_SECONDS) {
    const counts: number[] = [];
    for (const [sum, pathOf] of [
      [ours, paths.ours],
      [plain, paths.plain],
    ] as const) {
      const took = await drive(pathOf, TURN_SECONDS);
      sum.took.push(...took);
      sum.seconds += TURN_SECONDS;
      counts.push(took.length);
    }
    ratios.push((counts[0] ?? 0) / (counts[1] ?? 1));
  }
  clients.close();
  return { ours, plain, rateRatio: quantile(ratios, 0.5), asked: ours.took.length + warmUp.length };
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length * share)] ?? 0;
}
