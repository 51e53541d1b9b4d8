import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/log.ts';
import type { Pod, PodSpec } from '../controllers/kinds.ts';
import { CONFIG_MAPS, EVENTS, PODS, SECRETS } from '../controllers/kinds.ts';
import { createClusterApi } from '../index.ts';
import type { ClusterApi } from '../types.ts';
import { type Kubelet, type KubeletOptions, startKubelet } from './index.ts';

let api: ClusterApi;
let stateDir: string;
let kubelet: Kubelet;
const start = async (options: Partial<KubeletOptions> = {}) => {
  kubelet = await startKubelet({ api, clock: systemClock, log: silentLogger, stateDir, ...options });
};
beforeEach(async () => {
  api = await createClusterApi({ clock: systemClock, log: silentLogger });
  stateDir = await mkdtemp(path.join(os.tmpdir(), 'kubelet-'));
});
afterEach(async () => {
  await kubelet.stop();
  await rm(stateDir, { recursive: true, force: true });
});

const node = (script: string) => [process.execPath, '-e', script];
const container = (script: string, extra: object = {}) => ({ name: 'c', image: 'i', command: node(script), ...extra });
const create = (name: string, spec: Partial<PodSpec>, annotations: Record<string, string> = {}) =>
  api.create<Pod>(PODS, { metadata: { name, annotations }, spec: { restartPolicy: 'Never', ...spec } }, 'default');
const pod = (name = 'p') => api.get<Pod>(PODS, name, 'default');
const status = (name = 'p') => pod(name)?.status?.containerStatuses?.[0];
const until = <T>(read: () => T, timeout = 10_000) => expect.poll(read, { interval: 10, timeout });
const output = async (options: object = {}, name = 'p') => {
  let text = '';
  for await (const chunk of kubelet.podLogs('default', name, options)) text += Buffer.from(chunk).toString();
  return text;
};
const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};
const reasons = () => api.list(EVENTS).map((e) => e.reason);

describe('a pod on the node', () => {
  beforeEach(() => start());

  it('runs its command, keeps its output and succeeds with exit code 0', async () => {
    await create('p', { containers: [container('console.log("one");console.error("two")')] });
    await until(() => pod()?.status?.phase).toBe('Succeeded');
    expect(status()?.state.terminated).toMatchObject({ exitCode: 0, reason: 'Completed' });
    expect((await output()).split('\n').sort()).toEqual(['', 'one', 'two']);
    expect(await output({ tailLines: 1, timestamps: true })).toMatch(/^\d{4}-\d\d-\d\dT\S+Z (one|two)\n$/);
    const conditions = Object.fromEntries(
      pod()?.status?.conditions?.map((c) => [c.type, `${c.status} ${c.reason}`]) ?? [],
    );
    expect(conditions).toMatchObject({
      Ready: 'False PodCompleted',
      Initialized: 'True PodCompleted',
      PodScheduled: 'True undefined',
    });
    expect(pod()?.spec.nodeName).toBe('sandbox-node');
  });

  it('fails with the exit code of its process', async () => {
    await create('p', { containers: [container('process.exit(3)')] });
    await until(() => pod()?.status?.phase).toBe('Failed');
    expect(status()?.state.terminated).toMatchObject({ exitCode: 3, reason: 'Error' });
  });

  it('that cannot be started fails with 128 and says why', async () => {
    await create('p', { containers: [{ name: 'c', image: 'i', command: ['/no/such/program'] }] });
    await until(() => pod()?.status?.phase).toBe('Failed');
    expect(status()?.state.terminated).toMatchObject({ exitCode: 128, reason: 'StartError' });
    expect(status()?.state.terminated?.message).toContain('/no/such/program');
  });

  it('gets what it declares in its environment, and little else', async () => {
    await api.create(
      SECRETS,
      { metadata: { name: 's' }, data: { key: Buffer.from('hush').toString('base64') } },
      'default',
    );
    await api.create(CONFIG_MAPS, { metadata: { name: 'm' }, data: { A: '1', B: '2' } }, 'default');
    const env = [
      { name: 'SECRET', valueFrom: { secretKeyRef: { name: 's', key: 'key' } } },
      { name: 'NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      { name: 'URL', value: 'http://$(NAME):$(X_A)/$(NOTHING)/$$(NAME)' },
      { name: 'LIMIT', valueFrom: { resourceFieldRef: { resource: 'limits.memory', divisor: '1Mi' } } },
    ];
    const extra = {
      env,
      envFrom: [{ prefix: 'X_', configMapRef: { name: 'm' } }],
      resources: { limits: { memory: '64Mi' } },
    };
    await create('p', { containers: [container('console.log(JSON.stringify(process.env))', extra)] });
    await until(() => pod()?.status?.phase).toBe('Succeeded');
    const seen = JSON.parse(await output());
    expect(seen).toMatchObject({
      SECRET: 'hush',
      NAME: 'p',
      URL: 'http://p:1/$(NOTHING)/$(NAME)',
      X_B: '2',
      LIMIT: '64',
    });
    const own = ['PATH', 'HOME', 'TMPDIR', 'HOSTNAME', 'SANDBOX_STATE_DIR'];
    const declared = ['SECRET', 'NAME', 'URL', 'LIMIT', 'X_A', 'X_B'];
    // __CF_… is macOS' own.
    expect(Object.keys(seen).filter((k) => ![...own, ...declared].includes(k) && !k.startsWith('__CF'))).toEqual([]);
  });

  it('waits for a Secret that is not there yet, and starts when it comes', async () => {
    const env = [{ name: 'S', valueFrom: { secretKeyRef: { name: 'late', key: 'k' } } }];
    await create('p', { containers: [container('console.log(process.env.S)', { env })] });
    await until(() => status()?.state.waiting).toEqual({
      reason: 'CreateContainerConfigError',
      message: 'secret "late" not found',
    });
    expect(pod()?.status?.phase).toBe('Pending');
    await api.create(SECRETS, { metadata: { name: 'late' }, stringData: { k: 'here' } }, 'default');
    await until(() => pod()?.status?.phase).toBe('Succeeded');
    expect(await output()).toBe('here\n');
  });

  it('sees volumes as folders named in its environment', async () => {
    await api.create(CONFIG_MAPS, { metadata: { name: 'm' }, data: { 'a.txt': 'text' } }, 'default');
    const script = 'console.log(require("fs").readFileSync(process.env.SANDBOX_VOLUME_MY_CONF + "/a.txt", "utf8"))';
    await create('p', { containers: [container(script)], volumes: [{ name: 'my-conf', configMap: { name: 'm' } }] });
    await until(() => pod()?.status?.phase).toBe('Succeeded');
    expect(await output()).toBe('text\n');
  });

  it('runs init containers one after the other before the others', async () => {
    const init = (name: string) => ({ ...container(`console.log("${name}")`), name });
    await create('p', { initContainers: [init('a'), init('b')], containers: [container('console.log("main")')] });
    await until(() => pod()?.status?.phase).toBe('Succeeded');
    expect(await output({ container: 'b' })).toBe('b\n');
    expect(pod()?.status?.initContainerStatuses?.map((s) => s.state.terminated?.exitCode)).toEqual([0, 0]);
  });

  it('fails when an init container fails, without starting the others', async () => {
    await create('p', {
      initContainers: [{ ...container('process.exit(1)'), name: 'a' }],
      containers: [container('')],
    });
    await until(() => pod()?.status?.phase).toBe('Failed');
    expect(status()?.state.waiting?.reason).toBe('ContainerCreating');
  });

  it('is restarted by its policy: once at once, then after a back-off', async () => {
    await create('p', { restartPolicy: 'OnFailure', containers: [container('console.log("x");process.exit(2)')] });
    await until(() => status()?.state.waiting?.reason).toBe('CrashLoopBackOff');
    expect(status()).toMatchObject({ restartCount: 1, lastState: { terminated: { exitCode: 2 } } });
    expect(pod()?.status?.phase).toBe('Running');
    expect(await output({ previous: true })).toBe('x\n');
    expect(reasons()).toContain('BackOff');
  });

  it('has a log that can be followed to its end', async () => {
    const script = 'let n=0;const t=setInterval(()=>{console.log(n++);if(n===3)clearInterval(t)},20)';
    await create('p', { containers: [container(script)] });
    await until(() => pod()?.status?.phase).toBe('Running');
    expect(await output({ follow: true })).toBe('0\n1\n2\n');
  });

  it('when deleted gets SIGTERM, and goes when its process has ended', async () => {
    const script =
      'process.on("SIGTERM",()=>{console.log("bye");process.exit(0)});setInterval(()=>{},1000);console.log(process.pid)';
    await create('p', { containers: [container(script)] });
    await until(() => pod()?.status?.phase).toBe('Running');
    await expect.poll(() => output()).toMatch(/\d+/);
    const pid = Number(await output());
    await api.delete(PODS, 'p', 'default');
    await until(() => pod()).toBeUndefined();
    expect(isAlive(pid)).toBe(false);
    await until(() => readdirSync(path.join(stateDir, 'pods'))).toEqual([]);
  });

  it('when deleted is killed after its grace period if it does not listen, with all its children', async () => {
    const child = 'setInterval(()=>{},1000)';
    const script = `process.on("SIGTERM",()=>{});const c=require("child_process").spawn(process.execPath,["-e",${JSON.stringify(child)}]);console.log(c.pid);setInterval(()=>{},1000)`;
    await create('p', { terminationGracePeriodSeconds: 1, containers: [container(script)] });
    await until(() => pod()?.status?.phase).toBe('Running');
    await expect.poll(() => output()).toMatch(/\d+/);
    const pid = Number(await output());
    await api.delete(PODS, 'p', 'default');
    await until(() => pod()).toBeUndefined();
    await until(() => isAlive(pid)).toBe(false);
  });

  it('takes what its first process leaves behind down with it', async () => {
    const script = `const c=require("child_process").spawn(process.execPath,["-e","setInterval(()=>{},1000)"],{stdio:"inherit"});console.log(c.pid);c.unref();process.exit(0)`;
    await create('p', { containers: [container(script)] });
    await until(() => pod()?.status?.phase).toBe('Succeeded');
    const pid = Number(await output());
    expect(pid).toBeGreaterThan(0);
    await until(() => isAlive(pid)).toBe(false);
  });

  it('without a command is simulated: ready until deleted, or as long as it says', async () => {
    await create('p', { containers: [{ name: 'c', image: 'i' }] });
    await create(
      'q',
      { containers: [{ name: 'c', image: 'i' }] },
      { 'sandbox.windlass.dev/runs-for': '20ms', 'sandbox.windlass.dev/exit-code': '4' },
    );
    await until(() => status()?.ready).toBe(true);
    await until(() => pod('q')?.status?.phase).toBe('Failed');
    expect(status('q')?.state.terminated?.exitCode).toBe(4);
    await api.delete(PODS, 'p', 'default');
    await until(() => pod()).toBeUndefined();
  });

  it('past its activeDeadlineSeconds is stopped and failed', async () => {
    await create('p', { activeDeadlineSeconds: 1, containers: [container('setInterval(()=>{},1000)')] });
    await until(() => pod()?.status?.phase).toBe('Failed');
    expect(pod()?.status?.reason).toBe('DeadlineExceeded');
  });

  it('is ready when its readiness probe says so', async () => {
    const file = path.join(stateDir, 'ready');
    const probe = { exec: { command: ['test', '-e', file] }, periodSeconds: 1 };
    await create('p', { containers: [container('setInterval(()=>{},1000)', { readinessProbe: probe })] });
    await until(() => reasons()).toContain('Unhealthy');
    expect(status()).toMatchObject({ ready: false, started: true });
    expect(pod()?.status?.conditions?.find((c) => c.type === 'Ready')).toMatchObject({
      status: 'False',
      reason: 'ContainersNotReady',
    });
    await writeFile(file, '');
    await until(() => status()?.ready).toBe(true);
  });

  it('is restarted when its liveness probe fails', async () => {
    const probe = { tcpSocket: { port: 1 }, periodSeconds: 1, failureThreshold: 1 };
    const extra = { livenessProbe: probe };
    await create('p', { restartPolicy: 'Always', containers: [container('setInterval(()=>{},1000)', extra)] });
    await until(() => status()?.restartCount).toBe(1);
    expect(status()?.lastState.terminated).toMatchObject({ exitCode: 143, signal: 15 });
  });

  it('tells what it uses', async () => {
    if (!existsSync('/proc/self/stat')) return;
    await create('p', { containers: [container('const e=Date.now()+3e4;while(Date.now()<e);')] });
    await until(() => kubelet.podUsage()[0]?.containers[0]?.cpuMilli ?? 0).toBeGreaterThan(50);
    expect(kubelet.podUsage()[0]?.containers[0]?.memoryBytes).toBeGreaterThan(1e7);
  });
});

describe('programs for images', () => {
  it('stand for the entrypoint; the annotation beats the command', async () => {
    const show = 'console.log(process.argv.slice(1).join(","))';
    await start({ programs: { 'worker:1': node(show) } });
    await create('p', { containers: [{ name: 'c', image: 'worker:1', args: ['a', 'b'] }] });
    const annotation = JSON.stringify(node(show));
    const containers = [{ name: 'c', image: 'x', command: ['/in/the/image'], args: ['z'] }];
    await create('q', { containers }, { 'sandbox.windlass.dev/command': annotation });
    await until(() => [pod()?.status?.phase, pod('q')?.status?.phase]).toEqual(['Succeeded', 'Succeeded']);
    expect([await output(), await output({}, 'q')]).toEqual(['a,b\n', 'z\n']);
  });
});

describe('the scheduler', () => {
  it('keeps pods waiting that do not fit, and places them when there is room', async () => {
    await start({ node: { cpu: '1', memory: '1Gi', pods: 3 } });
    const one = (cpu: string) => ({ containers: [{ name: 'c', image: 'i', resources: { requests: { cpu } } }] });
    await create('a', one('600m'));
    await create('b', one('600m'));
    await until(() => pod('a')?.status?.phase).toBe('Running');
    const refusal = () => pod('b')?.status?.conditions?.find((c) => c.type === 'PodScheduled');
    await until(() => refusal()?.message).toBe('0/1 nodes are available: 1 Insufficient cpu.');
    expect(refusal()).toMatchObject({ status: 'False', reason: 'Unschedulable' });
    expect(reasons()).toContain('FailedScheduling');
    await api.delete(PODS, 'a', 'default');
    await until(() => pod('b')?.status?.phase).toBe('Running');
  });

  it('minds nodeSelector and the number of pods', async () => {
    await start({ node: { pods: 1 } });
    const containers = [{ name: 'c', image: 'i' }];
    await create('a', { containers, nodeSelector: { disk: 'ssd' } });
    const why = (name: string) => () => pod(name)?.status?.conditions?.find((c) => c.type === 'PodScheduled')?.message;
    await until(why('a')).toBe("0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.");
    await create('b', { containers });
    await create('c', { containers });
    await until(why('c')).toBe('0/1 nodes are available: 1 Too many pods.');
  });
});

describe('stopping', () => {
  const forever = 'process.on("SIGTERM",()=>{});console.log(process.pid);setInterval(()=>{},1000)';
  const pidOf = async () => {
    await expect.poll(() => output().catch(() => '')).toMatch(/\d+/);
    return Number(await output());
  };

  it('leaves no process and no record', async () => {
    await start({ stopGraceMs: 50 });
    await create('p', { containers: [container(forever)] });
    const pid = await pidOf();
    await kubelet.stop();
    expect(isAlive(pid)).toBe(false);
    expect(await readdir(path.join(stateDir, 'processes'))).toEqual([]);
  });

  it('and starting again fails what ran with policy Never and restarts the rest', async () => {
    await start({ stopGraceMs: 50 });
    await create('p', { containers: [container(forever)] });
    await create('q', { restartPolicy: 'Always', containers: [container(forever)] });
    await pidOf();
    await until(() => pod('q')?.status?.phase).toBe('Running');
    await kubelet.stop();
    await start({ stopGraceMs: 50 });
    await until(() => pod()?.status?.phase).toBe('Failed');
    expect(status()?.state.terminated).toMatchObject({ exitCode: 137, reason: 'ContainerStatusUnknown' });
    await until(() => status('q')).toMatchObject({ restartCount: 1, ready: true });
  });

  it('by a crash leaves no process either', async () => {
    await start({ stopGraceMs: 50 });
    const script = path.join(stateDir, 'sandbox.mjs');
    const pidFile = path.join(stateDir, 'pid');
    const crashed = path.join(stateDir, 'crashed');
    const base = path.resolve(import.meta.dirname, '../../..');
    const argv = JSON.stringify([
      process.execPath,
      '-e',
      `require("fs").writeFileSync(${JSON.stringify(pidFile)},String(process.pid));setInterval(()=>{},1000)`,
    ]);
    await writeFile(
      script,
      `import { createClusterApi } from ${JSON.stringify(`${base}/src/sandbox/index.ts`)};
       import { startKubelet } from ${JSON.stringify(`${base}/src/sandbox/kubelet/index.ts`)};
       import { systemClock } from ${JSON.stringify(`${base}/src/base/clock.ts`)};
       import { silentLogger } from ${JSON.stringify(`${base}/src/base/log.ts`)};
       const api = await createClusterApi({ clock: systemClock, log: silentLogger });
       await startKubelet({ api, clock: systemClock, log: silentLogger, stateDir: ${JSON.stringify(crashed)} });
       const pods = { group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true };
       await api.create(pods, { metadata: { name: 'x' }, spec: { containers: [{ name: 'c', image: 'i', command: ${argv} }] } }, 'default');
       setInterval(() => {}, 1000);`,
    );
    await create('p', { containers: [{ name: 'c', image: 'i', command: [process.execPath, script] }] });
    await until(() => existsSync(pidFile), 15_000).toBe(true);
    await expect.poll(() => readFile(pidFile, 'utf8')).toMatch(/\d+/);
    const pid = Number(await readFile(pidFile, 'utf8'));
    expect(isAlive(pid)).toBe(true);
    await api.delete(PODS, 'p', 'default', { gracePeriodSeconds: 0 });
    await until(() => isAlive(pid)).toBe(false);
  });
});
