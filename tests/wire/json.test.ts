// Proves: no number in JSON loses a digit, everything else is what JSON.parse makes of it, and a member that occurs twice is
// found, however its name is written.

import { describe, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { formatAmount } from '../../src/domain/decimal.ts'
import { amountFromJson, NumberSource, numberText, parseExactJson, repeatedMember } from '../../src/wire/json.ts'
import { anyAmount, jsonNumber } from '../domain/arbitraries.ts'
import { judge, sameNumber } from '../domain/oracle.ts'

const amountOf = (json: string) => {
  const parsed = amountFromJson((parseExactJson(json) as { quantity: unknown }).quantity)
  return parsed.ok ? parsed.amount : parsed.fault
}

/** As JSON.parse would have it. */
const plain = (value: unknown): unknown => {
  if (value instanceof NumberSource) return Number(value.source)
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member)]))
}

describe('numbers', () => {
  test('any amount in any notation is judged by its own digits, among other members', () => {
    const around = fc.constantFrom('', '"id":"12345678901234567890",', '"n":0.1234567890123456789,', '"a":[1,2.5],')
    fc.assert(
      fc.property(around, jsonNumber, (before, text) => {
        expect(amountOf(`{${before}"quantity":${text}}`)).toBe(judge(text))
      }),
      { numRuns: 3_000 },
    )
  })

  test('an amount as we write it is read back as it was, as a number and as a string', () => {
    fc.assert(
      fc.property(anyAmount, (scaled) => {
        expect(amountOf(`{"quantity":${formatAmount(scaled)}}`)).toBe(scaled)
        expect(amountOf(`{"quantity":"${formatAmount(scaled)}"}`)).toBe(scaled)
      }),
      { numRuns: 1_000 },
    )
  })

  test.each([
    ['1e-7', 10n],
    ['1E+2', 100_00000000n],
    ['1.50', 150000000n],
    ['999999999999.99999999', 99999999999999999999n],
    ['0.1', 10000000n],
    ['0.1000000000000000055', 'TOO_MANY_FRACTION_DIGITS'],
    ['0.30000000000000004', 'TOO_MANY_FRACTION_DIGITS'],
    ['100.000000000000000001', 'TOO_MANY_FRACTION_DIGITS'],
    ['9007199254740993', 'TOO_MANY_INTEGER_DIGITS'],
    ['1e400', 'TOO_MANY_INTEGER_DIGITS'],
    ['-1e400', 'NOT_POSITIVE'],
    ['-0', 'NOT_POSITIVE'],
    ['"1e2"', 'NOT_A_NUMBER'],
    ['"-1"', 'NOT_A_NUMBER'],
    ['null', 'NOT_A_NUMBER'],
    ['true', 'NOT_A_NUMBER'],
    ['[1]', 'NOT_A_NUMBER'],
    ['{"source":"1"}', 'NOT_A_NUMBER'],
    ['""', 'NOT_A_NUMBER'],
  ])('a quantity of %s is %p', (json, expected) => {
    expect(amountOf(`{"quantity":${json}}`)).toBe(expected as never)
  })

  test('so small that a double says 0 is refused', () => {
    expect(amountOf('{"quantity":1e-400}')).toBeString()
  })

  test('the text of a number is the number', () => {
    fc.assert(
      fc.property(jsonNumber, (text) => {
        const read = numberText(parseExactJson(text))
        if (Number(text) !== 0) expect(sameNumber(read!, text)).toBeTrue()
      }),
      { numRuns: 1_000 },
    )
    expect(numberText('1')).toBeNull()
    expect(numberText(null)).toBeNull()
  })

  test('sixteen digits with a point among them keep their source', () => {
    expect(parseExactJson('123456789.0123456')).toEqual(new NumberSource('123456789.0123456'))
    expect(parseExactJson('12345678.012345')).toBe(12345678.012345)
    // Fifteen digits and a point: exact as a double, and kept all the same.
    expect(numberText(parseExactJson('123456789.012345'))).toBe('123456789.012345')
  })
})

describe('everything else', () => {
  test('is what JSON.parse makes of it', () => {
    fc.assert(
      fc.property(fc.json(), fc.boolean(), (text, long) => {
        const whole = long ? `[${text},1234567890123456789]` : text
        expect(plain(parseExactJson(whole))).toEqual(plain(JSON.parse(whole)))
      }),
      { numRuns: 500 },
    )
  })

  test.each([
    '',
    '{',
    '{"a":1,}',
    '01',
    '+1',
    "{'a':1}",
    '{"a":NaN}',
    '{"a":1}{',
    '\u0000',
    '{"a":"\n"}',
    '1234567890123456789.',
  ])('%p is a SyntaxError', (text) => {
    expect(() => parseExactJson(text)).toThrow(SyntaxError)
  })

  test('__proto__ is a member like any other, and sets no prototype', () => {
    for (const number of ['1', '1234567890123456789']) {
      const parsed = parseExactJson(`{"__proto__":{"quantity":${number}},"n":${number}}`) as object
      expect(Object.keys(parsed)).toEqual(['__proto__', 'n'])
      expect(Object.getPrototypeOf(parsed)).toBe(Object.prototype)
      expect('quantity' in parsed).toBeFalse()
    }
  })
})

describe('a member given twice', () => {
  const repeated = (text: string) => repeatedMember(text, JSON.parse(text) as object)

  test.each([
    ['{"a":1,"a":2}', 'a'],
    ['{"a":1,"a":1}', 'a'],
    ['{"a":1,"\\u0061":2}', 'a'],
    ['{"quantity":1,"q\\u0075antity":2}', 'quantity'],
    ['{"a\\"":1,"a\\u0022":2}', 'a"'],
    ['{"__proto__":1,"__proto__":2}', '__proto__'],
    ['{"":1,"":2}', ''],
    ['{"a" : 1 ,\n"a"\t:2}', 'a'],
    ...[' ', '\t', '\n', '\r', ' \r\n\t'].map((space): [string, string] => [`{"a"${space}:1,"a":2}`, 'a']),
    ['{"a":{"b":[{"c":1}]},"x":"}]","a":2}', 'a'],
    ['{"b":"\\\\","a":1,"a":2}', 'a'],
  ])('%s repeats %p', (text, name) => {
    expect(repeated(text)).toBe(name)
  })

  test.each([
    '{}',
    '{"a":1,"b":2}',
    '{"a":{"b":1,"b":2}}',
    '{"a":[{"a":1},{"a":2}],"b":{"a":3}}',
    '{"a":"\\"a\\":1,","b":"\\"a\\":"}',
    '{"a":"b","b":"a"}',
    '{"a":1,"A":2}',
    '{"a\\\\":":","b":"{\\"a\\":1}"}',
  ])('%s repeats none', (text) => {
    expect(repeated(text)).toBeNull()
  })

  test('is found wherever it stands, and only then', () => {
    const name = fc.oneof(fc.constantFrom('a', 'b', '"', '\\', ':', '{', '__proto__'), fc.string({ maxLength: 3 }))
    const escaped = (text: string, escape: boolean) =>
      escape
        ? `"${[...Array(text.length).keys()].map((i) => `\\u${text.charCodeAt(i).toString(16).padStart(4, '0')}`).join('')}"`
        : JSON.stringify(text)
    const member = fc.tuple(name, fc.boolean(), fc.json({ maxDepth: 2 }))
    fc.assert(
      fc.property(fc.array(member, { maxLength: 6 }), (members) => {
        const text = `{${members.map(([key, escape, value]) => `${escaped(key, escape)}: ${value}`).join(' , ')}}`
        const names = members.map(([key]) => key)
        const first = names.find((key, i) => names.indexOf(key) < i) ?? null
        expect(repeated(text)).toBe(first)
      }),
      { numRuns: 1_500 },
    )
  })

  test('is looked for in a long text without running out of anything', () => {
    const long = 'x'.repeat(60_000)
    expect(repeated(`{"a":"${long}","a":1}`)).toBe('a')
    expect(repeated(`{"a":"${'\\"'.repeat(30_000)}","b":"${'{['.repeat(30_000)}","b":1}`)).toBe('b')
    expect(repeated(`{"a":${'['.repeat(500)}${']'.repeat(500)},"a":1}`)).toBe('a')
  })
})
