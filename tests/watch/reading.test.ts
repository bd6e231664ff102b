// Proves: every version is news once, whatever comes again after a new connection; and what a reader may have missed is said.

import { expect, test } from 'bun:test'
import { createBoard } from '../../src/watch/board.ts'
import { createReading, type News } from '../../src/watch/reading.ts'
import type { SseMessage } from '../../src/wire/sse.ts'

const order = (id: string, version: number, status = 'NEW') => ({ id, status, quantity: 1, version })
const snapshot = (...orders: object[]): SseMessage => ({ name: 'snapshot', data: JSON.stringify({ orders }), id: null })
const live: SseMessage = { name: 'live', data: '{}', id: 'c0' }
const change = (id: string, version: number, cursor: string, status = 'NEW'): SseMessage => ({
  name: 'order',
  data: JSON.stringify({ event: { version, kind: 'FILLED' }, order: order(id, version, status) }),
  id: cursor,
})
const reset: SseMessage = { name: 'reset', data: '{"reason":"TOO_FAR_BEHIND"}', id: null }

const shortOf = (news: readonly News[]): string[] =>
  news.map((one) => {
    if (one.kind === 'missing') return `missing ${one.versions} of ${one.orderId}`
    if (one.kind === 'reset') return `reset ${one.reason}`
    if (one.kind === 'live') return 'live'
    const { event, order } = JSON.parse(one.text) as { event?: object; order: { id: string; version: number } }
    return `${event === undefined ? 'order' : 'event'} ${order.id}${order.version}`
  })

const start = () => {
  const board = createBoard({ keepTexts: true })
  const reading = createReading(board, () => 0)
  reading.open()
  return { board, reading, take: (...messages: SseMessage[]) => shortOf(reading.take(messages)) }
}

test('a snapshot, then each change once', () => {
  const { reading, take } = start()
  expect(take(snapshot(order('a', 0), order('b', 3)), live)).toEqual(['order a0', 'order b3', 'live'])
  expect(take(change('a', 1, 'c1'), change('b', 4, 'c2'))).toEqual(['event a1', 'event b4'])
  expect(reading.cursor()).toBe('c2')
  reading.open()
  expect(reading.isLive()).toBe(true)
  expect(take(change('b', 4, 'c2'), change('a', 1, 'c1'), change('a', 2, 'c3'))).toEqual(['event a2'])
})

test('the snapshot shows a change already that comes behind it', () => {
  const { take } = start()
  take(snapshot(order('a', 2)), live)
  expect(take(change('a', 1, 'c1'), change('a', 2, 'c2'), change('a', 3, 'c3'))).toEqual(['event a3'])
})

test('a connection that is lost within the snapshot begins it again: what came of it is no news', () => {
  const { reading, take } = start()
  take({ ...snapshot(order('a', 0)), id: 'c9' })
  expect(reading.cursor()).toBeNull()
  reading.open()
  expect(take(snapshot(order('a', 0), order('b', 0)), live)).toEqual(['order b0', 'live'])
})

test('after a reset every open order is news, and one that is gone has ended', () => {
  const { board, reading, take } = start()
  take(snapshot(order('a', 0), order('b', 0)), live, change('a', 1, 'c1'))
  expect(take(reset, snapshot(order('a', 1)))).toEqual(['reset TOO_FAR_BEHIND', 'order a1'])
  expect(reading.cursor()).toBeNull()
  expect(board.counts()).toMatchObject({ open: 2, ended: 0 })
  expect(take(live)).toEqual(['live'])
  expect(board.counts()).toMatchObject({ open: 1, ended: 1 })
  expect([...board.newest()].map(({ kind }) => kind)).toEqual(['ENDED', 'FILLED'])
})

test('after a reset an order may have an older version than before: the database was restored', () => {
  const { board, take } = start()
  take(snapshot(order('a', 0), order('b', 0)), live, change('a', 5, 'c1'), change('b', 3, 'c2', 'FILLED'))
  expect(take(reset, snapshot(order('a', 2)), live)).toEqual(['reset TOO_FAR_BEHIND', 'order a2', 'live'])
  expect(take(change('a', 2, 'c3'), change('a', 3, 'c4'), change('b', 3, 'c5', 'FILLED'))).toEqual([
    'event a3',
    'event b3',
  ])
  expect(board.counts()).toMatchObject({ open: 1, ended: 1 })
})

test('a cursor that is not taken is forgotten, and a snapshot comes again whole', () => {
  const { reading, take } = start()
  take(snapshot(order('a', 0)), live)
  reading.forget()
  reading.open()
  expect(reading.cursor()).toBeNull()
  expect(take(snapshot(order('a', 0)), live)).toEqual(['order a0', 'live'])
})

test('versions that did not come are said; of an order that was not open before, any is the first', () => {
  const { take } = start()
  take(snapshot(order('a', 0)), live)
  expect(take(change('a', 3, 'c1'), change('z', 7, 'c2', 'CANCELED'))).toEqual([
    'missing 2 of a',
    'event a3',
    'event z7',
  ])
})

test('names that are not known and messages without data change nothing but the place', () => {
  const { reading, take } = start()
  take(snapshot(), live)
  expect(take({ name: 'weather', data: 'fair', id: 'c5' }, { name: 'message', data: '', id: 'c6' })).toEqual([])
  expect(reading.cursor()).toBe('c6')
})

test('amounts keep every digit', () => {
  const { reading } = start()
  const data = '{"orders":[{"id":"a","status":"NEW","quantity":123456789012.12345678,"price":0.10000001,"version":0}]}'
  const [news] = reading.take([{ name: 'snapshot', data, id: null }])
  expect(news).toEqual({
    kind: 'order',
    text: '{"order":{"id":"a","status":"NEW","quantity":123456789012.12345678,"price":0.10000001,"version":0}}',
  })
})

test('the counts follow the orders', () => {
  const { board, take } = start()
  take(snapshot(order('a', 0), order('b', 0)), live, change('a', 1, 'c1', 'FILLED'), change('n', 0, 'c2'))
  expect(board.counts()).toEqual({ open: 2, ended: 1, changes: 2 })
})
