import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { eventually } from '../eventually.ts';
import { createProgramTable, freePorts } from './processes.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'windlass-processes-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

it('kills what it started, does what it was told to do then, and removes the folder when its own process is killed', async () => {
  const module = path.join(import.meta.dirname, 'processes.ts');
  const script = `
    import { writeFileSync } from 'node:fs';
    import { createProgramTable } from ${JSON.stringify(module)};
    const table = createProgramTable(${JSON.stringify(folder)}, false, 'touch "$FOLDER.told"');
    table.add('sleeper', 'sh', ['-c', 'echo $$; exec sleep 1000']).start();
    writeFileSync(${JSON.stringify(path.join(folder, 'started'))}, '');
    setInterval(() => {}, 1000);
  `;
  const parent = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], { stdio: 'ignore' });
  const pid = await eventually(async () => {
    const text = await readFile(path.join(folder, 'sleeper.log'), 'utf8');
    // Only then the guard is sure to know of it.
    return existsSync(path.join(folder, 'started')) && (Number(text) || false);
  }, 10_000);
  expect(isAlive(Number(pid))).toBe(true);
  parent.kill('SIGKILL');
  const told = `${folder}.told`;
  await eventually(() => !isAlive(Number(pid)) && !existsSync(folder) && existsSync(told), 10_000);
  await rm(told);
});

it('stops and starts a program again, and knows when it has ended by itself', async () => {
  const table = createProgramTable(folder, true);
  const program = table.add('sleeper', 'sh', [
    '-c',
    'echo started; [ -e stop ] && exit 7; touch stop; exec sleep 1000',
  ]);
  program.start();
  await eventually(() => existsSync(path.join(folder, 'stop')));
  await program.assertRunning();
  expect(() => program.start()).toThrow('already running');
  await program.stop();
  await program.stop();
  program.start();
  await eventually(async () => {
    await expect(program.assertRunning()).rejects.toThrow(/sleeper has ended \(7\)\n.*\nstarted\nstarted$/);
  });
  await table.stop();
});

it('says that a program is not there', async () => {
  const table = createProgramTable(folder, true);
  const program = table.add('nobody', path.join(folder, 'nobody'), []);
  program.start();
  await eventually(() => expect(program.assertRunning()).rejects.toThrow('nobody cannot be started'));
  await table.stop();
});

it('finds ports that are free and that the kernel gives to nobody else', async () => {
  const ports = await freePorts(5);
  expect(new Set(ports).size).toBe(5);
  const [port = 0] = ports;
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const socket = connect(port, '127.0.0.1');
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.destroy();
  server.close();
});
