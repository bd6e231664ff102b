// Proves: the first schema of a search path is read as Postgres reads it.

import { expect, test } from 'bun:test'
import { firstSchema } from '../../src/store/searchPath.ts'

test.each([
  ['trading', 'trading'],
  ['Trading, public', 'trading'],
  [' my-schema ,public', 'my-schema'],
  ['"My Schema", public', 'My Schema'],
  ['"a""b,c"', 'a"b,c'],
  ['"$user", public', null],
  ['$user,public', null],
  ['', null],
  ['""', null],
])('the first schema of %s is %p, as Postgres reads it', (path, schema) => {
  expect(firstSchema(path)).toBe(schema)
})
