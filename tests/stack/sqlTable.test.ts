// Proves: rows are printed as psql prints them.

import { expect, test } from 'bun:test'
import { formatTable } from './sqlTable.ts'

const text = 25
const numeric = 1700

test('columns are aligned, numbers to the right, NULL is empty', () => {
  const columns = [
    { name: 'ticker', type: text },
    { name: 'quantity', type: numeric },
  ]
  const rows = [
    ['AAPL', '100.5'],
    ['MÜNCHEN', null],
    ['日本', '1'],
  ]
  expect(formatTable(columns, rows)).toBe(
    [
      ' ticker  | quantity',
      '---------+----------',
      ' AAPL    |    100.5',
      ' MÜNCHEN |',
      ' 日本    |        1',
      '(3 rows)',
    ].join('\n'),
  )
})

test('a line break in a value does not break the table', () => {
  expect(formatTable([{ name: 'a', type: text }], [['x\ny']])).toContain(String.raw`x\ny`)
})

test('one row is one row', () => {
  expect(formatTable([{ name: 'n', type: numeric }], [['1']])).toEndWith('(1 row)')
})
