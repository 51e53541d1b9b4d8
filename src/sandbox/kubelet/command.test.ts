import { describe, expect, it } from 'vitest';
import type { Container, Pod } from '../controllers/kinds.ts';
import { createRestartBackOff } from './back-off.ts';
import { expand, launchOf, shellWords } from './command.ts';

const pod = (container: Partial<Container>, annotations: Record<string, string> = {}, init: Container[] = []): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', annotations },
  spec: { containers: [{ name: 'c', image: 'worker:1', ...container }], initContainers: init },
});
const launch = (p: Pod, programs = {}, at = 0) => launchOf(p, p.spec.containers[at]!, { NAME: 'x' }, programs);
const run = (...argv: string[]) => ({ kind: 'process', argv, cwd: undefined });

describe('what a container runs', () => {
  it.each([
    ['its command and args', pod({ command: ['a', '$(NAME)'], args: ['$(NAME)'] }), {}, run('a', 'x', 'x')],
    [
      'the program of its image and its args',
      pod({ args: ['b'] }),
      { 'worker:1': ['node', 'w.js'] },
      run('node', 'w.js', 'b'),
    ],
    ['its command rather than the program of its image', pod({ command: ['a'] }), { 'worker:1': ['node'] }, run('a')],
    [
      'the annotation rather than its command',
      pod({ command: ['a'] }, { 'sandbox.windlass.dev/command': 'node "w x.js"' }),
      {},
      run('node', 'w x.js'),
    ],
    [
      'the annotation as JSON',
      pod({}, { 'sandbox.windlass.dev/command.c': '["node", "-e", "1 2"]' }),
      {},
      run('node', '-e', '1 2'),
    ],
    [
      'nothing real without any of these',
      pod({ args: ['a'] }),
      {},
      { kind: 'simulated', runsFor: undefined, exitCode: 0 },
    ],
    [
      'nothing real for a time',
      pod({}, { 'sandbox.windlass.dev/runs-for': '5s', 'sandbox.windlass.dev/exit-code': '3' }),
      {},
      { kind: 'simulated', runsFor: 5000, exitCode: 3 },
    ],
  ])('is %s', (_name, p, programs, expected) => {
    expect(launch(p, programs)).toEqual(expected);
  });

  it('in the folder of its program, or its own', () => {
    const programs = { 'worker:1': { command: ['node', 'w.js'], cwd: '/programs' } };
    expect(launch(pod({}), programs)).toMatchObject({ cwd: '/programs' });
    expect(launch(pod({ workingDir: '/work' }), programs)).toMatchObject({ cwd: '/work' });
    expect(launch(pod({ command: ['a'] }), programs)).toMatchObject({ cwd: undefined });
  });

  it('is the annotation for the first container only, unless it is named', () => {
    const two = pod({}, { 'sandbox.windlass.dev/command': 'a', 'sandbox.windlass.dev/command.d': 'b' });
    two.spec.containers.push({ name: 'd' }, { name: 'e' });
    expect([0, 1, 2].map((at) => launch(two, {}, at).kind === 'process')).toEqual([true, true, false]);
  });

  it('ends at once for a simulated init container', () => {
    const init = { name: 'i', image: 'i' };
    const p = pod({}, {}, [init]);
    expect(launchOf(p, init, {}, {})).toEqual({ kind: 'simulated', runsFor: 0, exitCode: 0 });
  });

  it.each([
    ['sandbox.windlass.dev/command', '[1]', /not a JSON list of strings/],
    ['sandbox.windlass.dev/command', '["a"', /not a JSON list of strings/],
    ['sandbox.windlass.dev/command', 'a "b', /never closed/],
    ['sandbox.windlass.dev/runs-for', 'soon', /runs-for/],
    ['sandbox.windlass.dev/exit-code', '300', /from 0 to 255/],
  ])('refuses %s: %s', (key, value, why) => {
    expect(() => launch(pod({}, { [key]: value }))).toThrow(why);
  });
});

describe('words of a command line', () => {
  it.each([
    ['a  b\tc', ['a', 'b', 'c']],
    [`a 'b c' "d e"`, ['a', 'b c', 'd e']],
    [`a"b"'c'`, ['abc']],
    [`a '' ""`, ['a', '', '']],
    [`a\\ b "c\\"d" 'e\\f' "g\\h"`, ['a b', 'c"d', 'e\\f', 'g\\h']],
  ])('%s', (text, words) => {
    expect(shellWords('k', text)).toEqual(words);
  });
});

describe('variables in text', () => {
  it.each([
    ['$(A)-$(B)', '1-$(B)'],
    ['$$(A) $A $', '$(A) $A $'],
    ['$$$(A)', '$1'],
  ])('%s becomes %s', (text, expected) => {
    expect(expand(text, { A: '1' })).toBe(expected);
  });
});

describe('restarts', () => {
  it('wait nothing, 10 s and then twice as long each, at most 5 minutes; after 10 quiet minutes anew', () => {
    const backOff = createRestartBackOff();
    let now = 0;
    const waits = Array.from({ length: 8 }, () => {
      const wait = backOff.next(now) / 1000;
      now += wait * 1000;
      return wait;
    });
    expect(waits).toEqual([0, 10, 20, 40, 80, 160, 300, 300]);
    expect(backOff.next(now + 600_001)).toBe(0);
  });
});
