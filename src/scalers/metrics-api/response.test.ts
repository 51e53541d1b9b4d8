import { describe, expect, it } from 'vitest';
import { type Format, valueIn } from './response.ts';

const JSON_TEXT = '{"a":{"b":[1,{"c":"10Mi"}]},"t":"many","n":null,"y":true,"half":0.5,"s":"1.5"}';
const YAML_TEXT = 'a:\n  b:\n    - 1\n    - c: 10Mi\n  d: 2.5\nt: many\ny: true\nn: ~\n';
const XML_TEXT =
  '<?xml version="1.0"?><!-- c --><stats zone="a"><tasks unit="x">5</tasks><queue><n>1</n></queue><queue><n>2k</n></queue></stats>';
const PAGE = 'up 1\nlag{topic="a"} 3\nnone NaN\n';

describe('the value in an answer', () => {
  it.each<[Format, string, string, number]>([
    ['json', JSON_TEXT, 'a.b.0', 1],
    ['json', JSON_TEXT, 'a.b.1.c', 10 * 2 ** 20],
    ['json', JSON_TEXT, 'a.b.#', 2],
    ['json', JSON_TEXT, 'half', 0.5],
    ['json', JSON_TEXT, 's', 1.5],
    ['yaml', YAML_TEXT, 'a.b.0', 1],
    ['yaml', YAML_TEXT, 'a.b.1.c', 10 * 2 ** 20],
    ['yaml', YAML_TEXT, 'a.d', 2.5],
    ['xml', XML_TEXT, 'stats.tasks', 5],
    ['xml', XML_TEXT, 'tasks', 5],
    ['xml', XML_TEXT, 'stats.queue.1.n', 2000],
    ['prometheus', PAGE, 'up', 1],
    ['prometheus', PAGE, 'lag{topic="a"}', 3],
  ])('%s (case %#) is read', async (format, body, place, expected) => {
    expect(await valueIn(body, format, place)).toBe(expected);
  });

  it.each<[Format, string, string, string]>([
    ['json', JSON_TEXT, 'gone', 'has nothing at gone'],
    ['json', JSON_TEXT, 'n', 'has nothing at n'],
    ['json', JSON_TEXT, 't', 'has a text at t that is not a quantity'],
    ['json', JSON_TEXT, 'y', 'has a boolean at y'],
    ['json', JSON_TEXT, 'a', 'has an object at a'],
    ['json', JSON_TEXT, 'a.b', 'has a list at a.b'],
    ['json', '{"a":1e999}', 'a', 'infinite'],
    ['json', 'nope', 'a', 'is not JSON'],
    ['yaml', YAML_TEXT, 'y', 'has a boolean at y'],
    ['yaml', '- 1', '0', 'is not a YAML mapping'],
    ['yaml', 'a: [', 'a', 'is not YAML'],
    ['xml', XML_TEXT, 'stats.gone', 'has nothing at stats.gone'],
    ['xml', '<a><b></a>', 'a.b', 'is not XML'],
    ['prometheus', PAGE, 'lag{topic="b"}', 'has no sample that matches'],
  ])('%s (case %#) is refused', async (format, body, place, message) => {
    const reading = valueIn(body, format, place);
    await expect(reading).rejects.toMatchObject({ code: 'SourceAnswerInvalid' });
    await expect(reading).rejects.toThrow(message);
  });

  it('has no data when the source says NaN', async () => {
    await expect(valueIn(PAGE, 'prometheus', 'none')).rejects.toMatchObject({ code: 'NoData' });
  });

  it('does not expand an XML document into more than it is', async () => {
    const bomb =
      '<!DOCTYPE a [<!ENTITY x "1111111111"><!ENTITY y "&x;&x;&x;&x;&x;&x;&x;&x;&x;&x;">]><a><b>&y;&y;&y;</b></a>';
    await expect(valueIn(bomb, 'xml', 'a.b')).rejects.toMatchObject({ code: 'SourceAnswerInvalid' });
  });
});
