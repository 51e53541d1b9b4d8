import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CommandRun, runCommand, startCommand } from '../support/commands.ts';
import { eventually } from '../support/eventually.ts';
import { startHttpServer } from '../support/http-server.ts';
import { descendantsOf, stillRunning } from '../support/process-tree.ts';

let home: string;
const started: CommandRun[] = [];
beforeAll(async () => {
  home = await mkdtemp(path.join(os.tmpdir(), 'windlass-commands-'));
});
afterAll(async () => {
  for (const run of started) run.kill('SIGKILL');
  await rm(home, { recursive: true, force: true });
});

const start = (...words: string[]) => {
  const run = startCommand(words);
  started.push(run);
  return run;
};
const file = async (name: string, text: string) => {
  const at = path.join(home, name);
  await writeFile(at, text);
  return at;
};

describe.concurrent('windlass demo', () => {
  it('tells the story to its end and says what became of it', async () => {
    const { code, out } = await runCommand(['demo', '--messages', '5']);
    expect(out).toMatch(/\n5 +5 +5 +\d+ +[\d.]+ +queue empty, 0 running/);
    expect(code).toBe(0);
  });

  it('with a taken port says so at once and starts nothing', async () => {
    const server = await startHttpServer(() => {});
    const { port } = new URL(server.url);
    const { code, err } = await runCommand(['demo', '--port', port]);
    expect(err).toContain(`port ${port} is taken`);
    expect(err).toContain('--port');
    expect(code).toBe(1);
    await server.stop();
  });

  it.each([
    ['that crashes', '[node, -e, "console.log(\'no luck today\'); process.exit(3)"]', ['exit code 3', 'no luck today']],
    ['that does not exist', '[no-such-program]', ['no-such-program']],
  ])('with a worker %s says what happened to it', async (what, command, words) => {
    const programs = await file(`${what}.yaml`, `example.com/queue-worker:1: ${command}\n`);
    const { code, err } = await runCommand(['demo', '--messages', '2', '--programs', programs]);
    for (const word of words) expect(err).toContain(word);
    expect(err).not.toContain('    at ');
    expect(code).toBe(1);
  });

  it('of functions with a worker that crashes says what happened to it', async () => {
    const programs = await file('function.yaml', 'example.com/hello-keda:1: [node, -e, "throw new Error(\'ouch\')"]\n');
    const { code, err } = await runCommand(['demo', 'functions', '--messages', '5', '--programs', programs]);
    expect(err).toContain('exit code 1');
    expect(err).toContain('ouch');
    expect(code).toBe(1);
  });

  it.each<[string, (run: CommandRun) => void, number]>([
    ['Ctrl-C', (run) => run.interrupt(), 130],
    ['SIGTERM', (run) => run.kill('SIGTERM'), 143],
  ])('ended by %s in the middle leaves no process behind', async (_, end, code) => {
    const programs = await file('slow.yaml', 'example.com/queue-worker:1: [sleep, "600"]\n');
    const run = start('demo', '--messages', '4', '--programs', programs);
    // Azurite and workers.
    const children = await eventually(() => {
      const now = descendantsOf(run.pid);
      return now.length >= 4 && now;
    }, 60_000);
    end(run);
    expect(await run.ended).toBe(code);
    expect(run.out).toContain('stopping everything');
    expect(run.err).toBe('');
    expect(stillRunning(children || [])).toEqual([]);
  });

  it.each([
    [['demo', 'nothing'], 'no story "nothing"'],
    [['demo', '--messages', 'many'], '"many"'],
    [['demo', '--port', '70000'], '"70000"'],
    [['demo', '--programs', 'nowhere.yaml'], 'nowhere.yaml'],
    [['demo', '--mesages', '3'], '--messages'],
    [['demos'], '"demos"'],
  ])('%j is wrong usage, which it explains without a stack', async (words, text) => {
    const { code, err } = await runCommand(words);
    expect(err).toContain(text);
    expect(err).not.toContain('    at ');
    expect(code).toBe(2);
  });
});

describe.concurrent('other commands', () => {
  it('lint accepts the examples and refuses what is wrong, with file and line', async () => {
    const examples = await runCommand(['lint', '-f', 'examples/jobs', '-f', 'examples/functions']);
    expect(`${examples.out}${examples.err}`).not.toContain('error');
    expect(examples.code).toBe(0);
    const wrong = await file(
      'wrong.yaml',
      'apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: a}\nspec:\n  scaleTargetRef: {name: a}\n  triggers:\n    - type: no-such-thing\n      metadata: {}\n',
    );
    const refused = await runCommand(['lint', '-f', wrong]);
    expect(`${refused.out}${refused.err}`).toMatch(/wrong\.yaml:7.*no-such-thing/);
    expect(refused.code).toBe(1);
  });

  it('trigger check answers a line for each line, also for one that is no JSON', async () => {
    const cron = { timezone: 'UTC', start: '0 8 * * *', end: '0 18 * * *', desiredReplicas: '3' };
    const input = `${JSON.stringify({ type: 'cron', metadata: cron })}\n{"type":"cron","metadata":{}}\nnot json\n`;
    const { code, out } = await runCommand(['trigger', 'check'], { input });
    const answers = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(answers).toMatchObject([{ valid: true }, { valid: false }, { valid: false }]);
    expect(answers[1].errors.length).toBeGreaterThan(1);
    expect(code).toBe(0);
  });

  it('scalers list and show tell of every trigger type', async () => {
    const list = await runCommand(['scalers', 'list']);
    expect(list.out).toContain('azure-queue');
    expect(list.code).toBe(0);
    const show = await runCommand(['scalers', 'show', 'azure-queue']);
    expect(show.out).toContain('queueName');
    expect(show.code).toBe(0);
    const none = await runCommand(['scalers', 'show', 'azure-quue']);
    expect(none.err).toContain('azure-queue');
    expect(none.code).not.toBe(0);
  });

  it('operator without a cluster says where it looked', async () => {
    const { code, err } = await runCommand(['operator', '--kubeconfig', path.join(home, 'nowhere')]);
    expect(err).toContain('nowhere');
    expect(err).not.toContain('    at ');
    expect(code).not.toBe(0);
  });
});

describe('windlass sandbox', () => {
  it('serves kubectl, runs pods, and leaves nothing when it is stopped', async () => {
    const kubeconfig = path.join(home, 'kubeconfig');
    const run = start('sandbox', '--kubeconfig', kubeconfig);
    await run.says('Ctrl-C stops it');
    expect(run.out).toContain(`export KUBECONFIG=${kubeconfig}`);
    const kubectl = async (...words: string[]) => {
      const { stdout } = await promisify(execFile)('kubectl', words, {
        env: { PATH: process.env.PATH, HOME: home, KUBECONFIG: kubeconfig },
      });
      return stdout;
    };
    const manifest = await file(
      'sleeper.yaml',
      `apiVersion: apps/v1
kind: Deployment
metadata: {name: sleeper}
spec:
  selector: {matchLabels: {app: sleeper}}
  template:
    metadata: {labels: {app: sleeper}}
    spec: {terminationGracePeriodSeconds: 1, containers: [{name: main, image: sleeper, command: [sleep, "600"]}]}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: sleeper}
spec:
  scaleTargetRef: {name: sleeper}
  minReplicaCount: 1
  triggers: [{type: cpu, metricType: AverageValue, metadata: {value: "100m"}}]
`,
    );
    await kubectl('apply', '-f', manifest);
    await eventually(async () =>
      expect(await kubectl('get', 'scaledobject', 'sleeper')).toMatch(/sleeper +apps\/v1\.Deployment +sleeper.*True/),
    );
    const children = await eventually(() => {
      const now = descendantsOf(run.pid);
      return now.length > 0 && now;
    });
    run.kill('SIGTERM');
    expect(await run.ended).toBe(143);
    expect(stillRunning(children || [])).toEqual([]);
    expect(run.err).toBe('');
  });
});
