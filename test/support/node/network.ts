import { runProgram } from '../cluster/run.ts';

/**
 * The addresses of one node, out of 198.18.0.0/15, which is set aside for tests within one machine (RFC 2544): nothing
 * that the machine talks to has one of them.
 */
export interface Network {
  /** The machine's end of the cable to the node. */
  link: string;
  /** The machine's address on it, by which pods reach servers of the tests. */
  host: string;
  node: string;
  pods: string;
  services: string;
}

const HIGHEST = 63;

/**
 * Lays a cable between the machine and a network namespace, and leads the addresses of pods and Services through it. The
 * kernel removes all of that together with the namespace. The name of the cable keeps the addresses from being taken twice.
 */
export async function layCable(pid: number): Promise<Network> {
  for (let index = 0; index <= HIGHEST; index++) {
    const network = networkAt(index);
    try {
      await ip('link', 'add', network.link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(pid));
    } catch (error) {
      if (/File exists/.test((error as Error).message)) continue;
      throw error;
    }
    await ip('addr', 'add', `${network.host}/30`, 'dev', network.link);
    await ip('link', 'set', network.link, 'up');
    for (const range of [network.pods, network.services])
      await ip('route', 'add', range, 'via', network.node, 'dev', network.link, 'onlink');
    return network;
  }
  throw new Error(`${HIGHEST + 1} nodes of tests run on this machine already (ip link show type veth)`);
}

function networkAt(index: number): Network {
  const second = index < 32 ? 18 : 19;
  const at = (index % 32) * 8;
  return {
    link: `windlass${index}`,
    host: `198.${second}.${at}.1`,
    node: `198.${second}.${at}.2`,
    pods: `198.${second}.${at + 1}.0/24`,
    services: `198.${second}.${at + 2}.0/24`,
  };
}

/** The first address of a range is the one of the Service `kubernetes`. */
export const firstOf = (range: string): string => range.replace(/0\/24$/, '1');

const ip = (...args: string[]) => runProgram('ip', args, process.env);
