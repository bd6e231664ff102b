// Proves: the table fits the terminal, shows what changed, newest first, and nothing that comes over the stream moves the cursor.

import { expect, test } from 'bun:test'
import * as fc from 'fast-check'
import type { Row } from '../../src/watch/board.ts'
import { standOutMs, tableLines } from '../../src/watch/table.ts'

const order = {
  id: '019b7d0a-51ae-7000-8000-0d7a0a6a7c11',
  userId: 'b0b00000-0000-4000-8000-000000000002',
  ticker: 'AAPL',
  side: 'BUY',
  type: 'LIMIT',
  timeInForce: 'GTC',
  quantity: 40,
  price: 150.5,
  status: 'NEW',
  filledQuantity: 0,
  remainingQuantity: 40,
  updatedAt: '2026-01-02T03:04:05.678Z',
  version: 0,
}
const textOf = (members: object = {}): string => JSON.stringify({ order: { ...order, ...members } })
const row = (members: Partial<Row> = {}): Row => ({
  version: 0,
  open: true,
  kind: null,
  text: textOf(),
  before: null,
  atMs: 0,
  ...members,
})

const plain = (lines: readonly string[]): string[] => lines.map((line) => Bun.stripANSI(line))
const draw = (rows: readonly Row[], columns = 200, height = 5, nowMs = 0): string[] =>
  tableLines({ rows, footer: '1 open | live', size: { columns, rows: height }, nowMs })

test('a row an order, with a head and a footer', () => {
  const [head, first, ...rest] = plain(draw([row()]))
  expect(head!.trim().split(/\s{2,}/)).toEqual([
    'ORDER',
    'USER',
    'TICKER',
    'SIDE',
    'TYPE',
    'QUANTITY',
    'FILLED',
    'REMAINING',
    'PRICE',
    'STATUS',
    'LAST CHANGE',
  ])
  expect(first!.trim().split(/\s{2,}/)).toEqual([
    order.id,
    order.userId,
    'AAPL',
    'BUY',
    'LIMIT',
    '40',
    '0',
    '40',
    '150.5',
    'NEW',
    '03:04:05.678',
  ])
  expect(rest).toEqual(['', '', '1 open | live'])
})

test('cells that changed stand out, for a while', () => {
  const updatedAt = '2026-01-02T03:04:06.012Z'
  const text = textOf({ filledQuantity: 10, remainingQuantity: 30, status: 'PARTIALLY_FILLED', updatedAt })
  const changed = row({ kind: 'FILLED', text, before: textOf(), atMs: 1_000 })
  const styled = (nowMs: number): string[] =>
    draw([changed], 200, 5, nowMs)[1]!
      .split('\u001b[1;33m')
      .slice(1)
      .map((cell) => cell.split('\u001b')[0]!.trim())
  expect(styled(1_000)).toEqual(['10', '30', 'PARTIALLY_FILLED', '03:04:06.012 FILLED'])
  expect(styled(1_000 + standOutMs)).toEqual([])
})

test('an order that is new stands out whole; one of the snapshot does not', () => {
  expect(draw([row({ kind: 'ACCEPTED' })])[1]).toStartWith('\u001b[1;33m')
  expect(draw([row()])[1]).not.toContain('\u001b')
})

test('an order that ended unseen is shown as ended', () => {
  expect(plain(draw([row({ kind: 'ENDED', open: false })]))[1]).toContain('ENDED')
})

test('amounts are shown to the last digit', () => {
  const text = '{"order":{"id":"a","quantity":123456789012.12345678}}'
  expect(plain(draw([row({ text })]))[1]).toContain('123456789012.12345678')
})

test('a narrower terminal shortens ids first, then leaves columns out; the status stays longest', () => {
  const at = (columns: number): string => plain(draw([row()], columns))[1]!
  expect(at(140)).toContain(`${order.id}  b0b00000  AAPL`)
  expect(at(110)).toContain('0d7a0a6a7c11  b0b00000')
  expect(at(80)).not.toContain('b0b00000')
  expect(at(46)).toContain('NEW')
})

test('a column is shown whole or not at all', () => {
  for (let columns = 40; columns <= 200; columns++)
    expect(['CHANGE', 'STATUS']).toContain(
      plain(draw([row()], columns))[0]!
        .trim()
        .split(' ')
        .at(-1)!,
    )
})

test('only the newest orders that fit are shown', () => {
  const rows = Array.from({ length: 9 }, (_, i) => row({ text: textOf({ ticker: `T${i}` }) }))
  expect(
    plain(draw(rows, 200, 4))
      .slice(1, 3)
      .map((line) => /T\d/.exec(line)?.[0]),
  ).toEqual(['T0', 'T1'])
})

test('whatever comes, no line is wider than the terminal, there are as many as it has rows, and no control character', () => {
  const cell = fc.string({ unit: 'binary', maxLength: 30 })
  const any = fc.record({ id: cell, ticker: cell, status: cell, updatedAt: cell, price: fc.double() })
  fc.assert(
    fc.property(
      fc.array(any, { maxLength: 8 }),
      fc.integer({ min: 1, max: 220 }),
      fc.integer({ min: 1, max: 12 }),
      cell,
      (orders, columns, rows, footer) => {
        const lines = tableLines({
          rows: orders.map((members) => row({ kind: 'FILLED', text: textOf(members) })),
          footer,
          size: { columns, rows },
          nowMs: 0,
        })
        expect(lines).toHaveLength(rows)
        for (const line of plain(lines)) {
          expect(line.length).toBeLessThanOrEqual(columns)
          expect(line).not.toMatch(/\p{Cc}/u)
        }
      },
    ),
  )
})
