import { execFile } from 'node:child_process';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import type { Clock, Timer } from '../../base/clock.ts';
import type { Container, Probe } from '../controllers/kinds.ts';
import { POD_IP } from './env.ts';

export interface ProbeContext {
  clock: Clock;
  env: Record<string, string>;
  cwd: string;
}

export interface ProbeEvents {
  started(): void;
  ready(ready: boolean): void;
  /** The container must be restarted: its liveness or startup probe has failed too often. */
  dead(which: 'Liveness' | 'Startup', why: string): void;
  /** One failed check, for an event. */
  unhealthy(which: 'Liveness' | 'Readiness' | 'Startup', why: string): void;
}

/**
 * Checks a running container by its probes: first startup until it succeeds, then readiness and liveness. Without a startup probe the
 * container counts as started at once, without a readiness probe as ready once started. Returns the function that stops the checks.
 */
export function startProbes(container: Container, context: ProbeContext, events: ProbeEvents): () => void {
  const stops: (() => void)[] = [];
  const { startupProbe, readinessProbe, livenessProbe } = container;
  const afterStart = () => {
    events.started();
    if (readinessProbe)
      stops.push(
        repeat(readinessProbe, container, context, (ok, why, turned) => {
          if (!ok) events.unhealthy('Readiness', why);
          if (turned) events.ready(ok);
        }),
      );
    else events.ready(true);
    if (livenessProbe)
      stops.push(
        repeat(livenessProbe, container, context, (ok, why, turned) => {
          if (!ok) events.unhealthy('Liveness', why);
          if (!ok && turned) events.dead('Liveness', why);
        }),
      );
  };
  if (!startupProbe) afterStart();
  else {
    const stop = repeat(startupProbe, container, context, (ok, why, turned) => {
      if (!ok) events.unhealthy('Startup', why);
      if (!turned) return;
      stop();
      if (ok) afterStart();
      else events.dead('Startup', why);
    });
    stops.push(stop);
  }
  return () => {
    for (const stop of stops) stop();
  };
}

/** Runs one probe on its period; `turned` is true when enough results in a row have come to another verdict. */
function repeat(
  probe: Probe,
  container: Container,
  context: ProbeContext,
  result: (ok: boolean, why: string, turned: boolean) => void,
): () => void {
  const { periodSeconds = 10, initialDelaySeconds = 0, successThreshold = 1, failureThreshold = 3 } = probe;
  let timer: Timer | undefined;
  let stopped = false;
  let row = 0;
  let last: boolean | undefined;
  let verdict: boolean | undefined;
  const run = async () => {
    const why = await check(probe, container, context);
    if (stopped) return;
    const ok = why === undefined;
    row = last === ok ? row + 1 : 1;
    last = ok;
    const enough = row >= (ok ? successThreshold : failureThreshold);
    const turned = enough && verdict !== ok;
    if (turned) verdict = ok;
    timer = context.clock.after(periodSeconds * 1000, () => void run());
    result(ok, why ?? '', turned);
  };
  timer = context.clock.after(initialDelaySeconds * 1000, () => void run());
  return () => {
    stopped = true;
    timer?.cancel();
  };
}

/** Undefined when the check succeeds, otherwise why not. */
export function check(probe: Probe, container: Container, context: ProbeContext): Promise<string | undefined> {
  const timeout = (probe.timeoutSeconds ?? 1) * 1000;
  if (probe.exec) return checkCommand(probe.exec.command, timeout, context);
  if (probe.httpGet) return checkHttp(probe.httpGet, container, timeout);
  if (probe.tcpSocket) return checkTcp(probe.tcpSocket, container, timeout);
  return Promise.resolve('the probe has none of exec, httpGet and tcpSocket');
}

function checkCommand(
  [file = '', ...args]: string[],
  timeout: number,
  { env, cwd }: ProbeContext,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(file, args, { timeout, env, cwd, killSignal: 'SIGKILL' }, (error, stdout, stderr) => {
      if (!error) resolve(undefined);
      else if (error.killed) resolve(`command timed out after ${timeout / 1000}s`);
      else resolve(`${stdout}${stderr}`.trim().slice(0, 1024) || error.message);
    });
  });
}

function portOf(port: number | string, container: Container): number | undefined {
  if (typeof port === 'number' || /^\d+$/.test(port)) return Number(port);
  return container.ports?.find((p) => p.name === port)?.containerPort;
}

function checkHttp(get: NonNullable<Probe['httpGet']>, container: Container, timeout: number) {
  const port = portOf(get.port, container);
  if (port === undefined) return Promise.resolve(`container has no port named ${get.port}`);
  const secure = get.scheme?.toUpperCase() === 'HTTPS';
  const headers: Record<string, string> = { 'user-agent': 'kube-probe/1.36', accept: '*/*', connection: 'close' };
  for (const { name, value } of get.httpHeaders ?? []) headers[name.toLowerCase()] = value;
  return new Promise<string | undefined>((resolve) => {
    // Kubernetes: a probe does not verify the container's certificate.
    const options = {
      host: get.host ?? POD_IP,
      port,
      path: get.path ?? '/',
      headers,
      timeout,
      rejectUnauthorized: false,
    };
    const request = (secure ? httpsRequest : httpRequest)(options, (response) => {
      response.resume();
      const { statusCode = 0 } = response;
      resolve(statusCode >= 200 && statusCode < 400 ? undefined : `HTTP probe failed with statuscode: ${statusCode}`);
    });
    request.on('timeout', () => request.destroy(new Error(`no answer within ${timeout / 1000}s`)));
    request.on('error', (error) => resolve(error.message));
    request.end();
  });
}

function checkTcp(target: NonNullable<Probe['tcpSocket']>, container: Container, timeout: number) {
  const port = portOf(target.port, container);
  if (port === undefined) return Promise.resolve(`container has no port named ${target.port}`);
  return new Promise<string | undefined>((resolve) => {
    const socket = connect({ host: target.host ?? POD_IP, port, timeout });
    const end = (why?: string) => {
      socket.destroy();
      resolve(why);
    };
    socket.once('connect', () => end());
    socket.once('timeout', () => end(`no connection within ${timeout / 1000}s`));
    socket.once('error', (error) => end(error.message));
  });
}
