import { describe, expect, it } from 'vitest';
import { parseSettings } from './settings.ts';

const parse = (...argv: string[]): ReturnType<typeof parseSettings> => parseSettings(argv);

describe('settings', () => {
  it('has sensible defaults', () => {
    expect(parse()).toMatchObject({
      url: new URL('http://127.0.0.1:5000/predict'),
      source: { kind: 'adult' },
      rowsPerRequest: 1,
      connections: 10,
      rate: undefined,
      durationSeconds: 10,
      amount: Infinity,
      expect: undefined,
    });
    expect(parse('--rate', '50')?.connections).toBe(100);
  });

  it.each([
    ['host:81', 'http://host:81/predict'],
    ['https://host', 'https://host/predict'],
    ['http://host/', 'http://host/'],
    ['http://host/invocations?x=1', 'http://host/invocations?x=1'],
    ['http://user:secret@host/p', 'http://host/p'],
  ])('takes %s for %s', (text, href) => {
    expect(parse(text)?.url.href).toBe(href);
  });

  it('sends credentials of the URL as a header', () => {
    expect(parse('http://user:se%20cret@host')?.headers).toEqual({
      authorization: `Basic ${btoa('user:se cret')}`,
    });
  });

  it('asks the model whose golden rows it sends', () => {
    expect(parse('--model', 'iris')).toMatchObject({
      url: new URL('http://127.0.0.1:5000/models/iris/predict'),
      source: { kind: 'golden' },
    });
  });

  it.each([
    [['--expect'], { kind: 'adult' }],
    [['--expect', '--rate', '5'], { kind: 'adult' }],
    [['--expect', 'http://host'], { kind: 'adult' }],
    [['--model', 'adult', '--expect'], { kind: 'golden' }],
    [['--expect', 'golden'], { kind: 'golden' }],
    [['--expect', 'labels.csv'], { kind: 'file', path: 'labels.csv' }],
  ])('reads %j as labels of %j', (argv, wanted) => {
    expect(parse(...argv)?.expect).toEqual(wanted);
  });

  it.each([
    [['--rate', 'fast'], '--rate'],
    [['--rate', ''], '--rate'],
    [['--duration', '3601'], '--duration'],
    [['--duration', '0'], '--duration'],
    [['--amount', '1.5'], '--amount'],
    [['--connections', '0'], '--connections'],
    [['--rows-per-request', '0'], '--rows-per-request'],
    [['--timeout', 'Infinity'], '--timeout'],
    [['--nope'], '--nope'],
    [['ftp://host'], 'URL'],
    [['a', 'b'], 'one URL'],
    [['--header', 'no colon'], '--header'],
    [['--header', 'x: a\r\nb: c'], '--header'],
    [['--data', 'x.csv', '--model', 'adult'], '--data'],
    [['--data', 'x.csv', '--expect'], '--expect'],
    [['--model', '../x'], '--model'],
  ])('refuses %j and names %s', (argv, named) => {
    expect(() => parse(...argv)).toThrow(named);
  });
});
