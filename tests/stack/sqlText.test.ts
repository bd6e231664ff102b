// Proves: the SQL prompt knows where a statement ends, where an error lies, and what a backslash command means.

import { describe, expect, test } from 'bun:test'
import { metaStatements } from './sqlDescribe.ts'
import { isBlank, pointAt, splitStatements } from './sqlText.ts'

describe('statements end at a semicolon', () => {
  test('each is taken without it', () => {
    expect(splitStatements('select 1; select 2;\n')).toEqual({
      statements: ['select 1', 'select 2'],
      rest: '\n',
      open: false,
    })
  })

  test('an unfinished statement waits for more', () => {
    expect(splitStatements('select 1; select')).toEqual({ statements: ['select 1'], rest: ' select', open: false })
  })

  const whole = [
    `select 'a;b', 'it''s;'`,
    `select E'\\';'`,
    `select ";" from "a;""b"`,
    'select 1 -- not; here\n + 1',
    'select /* a; /* nested; */ b; */ 1',
    'do $$ begin perform 1; end $$',
    'create function f() returns int as $body$ select 1; $$;$$ $body$ language sql',
    'select $1, a$b$c from t',
  ]
  for (const text of whole) {
    test(`but not inside: ${text}`, () => expect(splitStatements(`${text};`).statements).toEqual([text]))
  }

  for (const text of [`select 'a;`, 'select "a;', '/* a; ', 'do $x$ a; $$;']) {
    test(`and what is open stays open: ${text}`, () => {
      expect(splitStatements(text)).toEqual({ statements: [], rest: text, open: true })
    })
  }

  test('empty statements are not sent', () => {
    expect(splitStatements(';; -- nothing\n;').statements).toEqual([])
    expect(isBlank('/* nothing */ -- at all')).toBe(true)
  })
})

test('an error points at its line and place', () => {
  expect(pointAt('select 1,\n  nope from t', 13)).toBe('LINE 2:   nope from t\n          ^')
})

test('backslash commands become statements', () => {
  expect(metaStatements('\\dt')).toHaveLength(1)
  expect(metaStatements('\\d')).toHaveLength(1)
  expect(metaStatements('\\d orders;')).toHaveLength(2)
  expect(metaStatements("\\d o'x")?.[0]).toContain("'o''x'::regclass")
  expect(metaStatements('\\copy')).toBeNull()
})
