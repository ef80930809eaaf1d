import { describe, expect, it } from 'vitest';
import { GuardedUrl } from './guarded-url.ts';

const KEY = '3f9c2b7d61e84a05';

describe('GuardedUrl', () => {
  it('takes user and password out of the URL into a header', () => {
    const url = new GuardedUrl(`https://user:pa%20ss@node.example:8545/v3/${KEY}?key=${KEY}`);
    expect(url.headers).toEqual({ authorization: `Basic ${btoa('user:pa ss')}` });
    expect(url.href).toBe(`https://node.example:8545/v3/${KEY}?key=${KEY}`);
    expect(url.name).toBe('https://node.example:8545');
  });

  it('needs none', () => {
    const { href, headers, name } = new GuardedUrl('http://127.0.0.1:8545');
    expect({ href, headers, name }).toEqual({
      href: 'http://127.0.0.1:8545/',
      headers: {},
      name: 'http://127.0.0.1:8545',
    });
  });

  it.each([
    ['the password', 'http://user:hunter2@h/', 'wrong password hunter2', 'wrong password ***'],
    ['a short password', 'http://user:pw@h/', 'not pw', 'not ***'],
    ['it as it was written', 'http://user:p%40ss@h/', 'p%40ss, p@ss', '***, ***'],
    ['the header', 'http://user:hunter2@h/', `Basic ${btoa('user:hunter2')}!`, 'Basic ***!'],
    ['a key as the user', `http://${KEY}@h/`, `key ${KEY}`, 'key ***'],
    ['a key in the path', `http://h/v3/${KEY}/`, `/v3/${KEY}/ at h`, '/v3/***/ at h'],
    ['a key in the query', `http://h/?key=${KEY}&x=1`, `${KEY}${KEY} 1`, '****** 1'],
    ['one that holds another', `http://u:${KEY}@h/${KEY}ab`, `${KEY}ab ${KEY}`, '*** ***'],
    ['a percent sign of no meaning', 'http://user:100%25%@h/', '100%25%', '***'],
  ])('conceals %s', (_what, url, text, shown) => {
    expect(new GuardedUrl(url).conceal(text)).toBe(shown);
  });

  it('leaves words alone', () => {
    const url = new GuardedUrl('http://h/v2/rpc?chain=base');
    expect(url.conceal('rpc of chain base at v2')).toBe('rpc of chain base at v2');
    expect(new GuardedUrl('http://user:pw@h/').conceal('user unknown')).toBe('user unknown');
  });

  it('is a URL', () => {
    expect(() => new GuardedUrl('node.example')).toThrow(TypeError);
  });
});
