// Proves: a claim is found where its name or path leads, and nowhere else; one that is missing or of an odd kind names nobody.

import { describe, expect, test } from 'bun:test'
import { claimAt, namesAudience, parseClaimPath, textsOf } from '../../../../src/http/gates/auth/claims.ts'

const parsed = (json: string): object => JSON.parse(json) as object

test.each<[string, string[] | null]>([
  ['aud', ['aud']],
  ['cognito:groups', ['cognito:groups']],
  ['realm_access.roles', ['realm_access', 'roles']],
  ['https://orders.example/roles', ['https://orders.example/roles']],
  ['', null],
  ['.', null],
  ['a..b', null],
  ['.a', null],
  ['a.', null],
  ['a b', null],
  ['a,b', null],
  ['é', null],
  ['a.b.c.d.e.f.g.h.i', null],
  ['x'.repeat(201), null],
])('the name %j', (text, path) => {
  expect(parseClaimPath(text)).toEqual(path)
})

describe('a path', () => {
  const payload = parsed(
    '{"aud":"orders","a":{"b":["x"]},"https://e.example/r":"y","a.b":"not this","n":null,"l":[{"b":1}]}',
  )

  test.each<[string, unknown]>([
    ['aud', 'orders'],
    ['a.b', ['x']],
    ['https://e.example/r', 'y'],
    ['n', null],
    ['n.b', undefined],
    ['a.c', undefined],
    ['aud.length', undefined],
    ['l.0', undefined],
    ['l.length', undefined],
    ['a.b.0', undefined],
    ['__proto__', undefined],
    ['constructor', undefined],
    ['constructor.name', undefined],
    ['toString', undefined],
    ['a.__proto__.constructor', undefined],
  ])('%s', (name, found) => {
    expect(claimAt(payload, parseClaimPath(name)!)).toEqual(found)
  })

  test('leads to what the token holds, whatever it is named, and never into what every object inherits', () => {
    const odd = parsed('{"__proto__":{"roles":["orders:admin"]},"a":{"__proto__":{"roles":["orders:admin"]}}}')
    expect(claimAt(odd, ['roles'])).toBeUndefined()
    expect(claimAt(odd, ['a', 'roles'])).toBeUndefined()
  })
})

test.each<[unknown, boolean]>([
  ['orders', true],
  [['billing', 'orders'], true],
  ['orders billing', false],
  ['Orders', false],
  ['', false],
  [undefined, false],
  [null, false],
  [true, false],
  [7, false],
  [[], false],
  [[['orders']], false],
  [['orders', 7], false],
  [[{ aud: 'orders' }], false],
  [{ orders: 'orders' }, false],
  [{ includes: 'orders', length: 1, 0: 'orders' }, false],
])('%j as the audience: %p', (claim, named) => {
  expect(namesAudience(claim, 'orders')).toBe(named)
})

test.each<[unknown, string[]]>([
  ['a b', ['a', 'b']],
  [
    ['a', 'b'],
    ['a', 'b'],
  ],
  // A blank makes no two of one.
  [['a b'], ['a b']],
  [['a', 7, null, ['b'], { b: 'b' }], ['a']],
  [7, []],
  [true, []],
  [null, []],
  [undefined, []],
  [{ a: 'b', 0: 'a', length: 1 }, []],
])('the scopes of %j', (claim, texts) => {
  expect(textsOf(claim)).toEqual(texts)
})
