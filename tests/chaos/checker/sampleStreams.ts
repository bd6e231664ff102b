// What stream clients saw of the small world, written out by hand: one that follows everything and is cut off once, one that follows a user,
// one that polls, and one that follows an order.

import { parseExact } from './amounts.ts'
import type { StreamFilter, StreamLine } from './evidence.ts'

type Names = { buy: string; sell: string; canceled: string }
type Small = { ids: Names; timeAt: (position: number) => number; partition: number }
type Name = keyof Names
/** `position`: of the log. The rest: as JSON has it. */
type Step = { name: Name; version: number; position: number; event: string; after: string }

const fill = (trade: string, side: string, quantity: number, late = false) =>
  `"fill":{"tradeId":"${trade}","side":"${side}","quantity":${quantity},"price":1.5,"late":${late}}`
const untouched = '"lastFillPrice":null,"averageFillPrice":null'
const filled = '"lastFillPrice":1.5,"averageFillPrice":1.5'

const steps = (partition: number): Record<string, Step> => {
  const request = (n: number) => `"cause":{"kind":"request","requestId":"chaos-${n}"}`
  const trade = (offset: number) => `"cause":{"kind":"trade","partition":${partition},"offset":"${offset}"}`
  const step = (name: Name, version: number, position: number, status: string, members: string[]): Step => ({
    name,
    version,
    position,
    event: `${status},${members[0]}`,
    after: `${status},${members[1]}`,
  })
  const fresh = '"status":"NEW","filledQuantity":0,"remainingQuantity":10'
  const canceled = (quantity: number) =>
    `"status":"CANCELED","filledQuantity":${quantity},"remainingQuantity":0.00000000`
  const part = '"status":"PARTIALLY_FILLED","filledQuantity":4,"remainingQuantity":6'
  const reason = '"reason":{"code":"USER_CANCELED","text":null}'
  return {
    buy0: step('buy', 0, 1, fresh, [`"kind":"ACCEPTED",${request(1)}`, untouched]),
    sell0: step('sell', 0, 2, fresh, [`"kind":"ACCEPTED",${request(3)}`, untouched]),
    canceled0: step('canceled', 0, 3, fresh, [`"kind":"ACCEPTED",${request(6)}`, untouched]),
    canceled1: step('canceled', 1, 4, canceled(0), [`"kind":"CANCELED",${reason},${request(7)}`, untouched]),
    buy1: step('buy', 1, 5, part, [`"kind":"FILLED",${fill('T1', 'BUY', 4)},${trade(0)}`, filled]),
    sell1: step('sell', 1, 6, part, [`"kind":"FILLED",${fill('T1', 'SELL', 4)},${trade(0)}`, filled]),
    buy2: step('buy', 2, 7, '"status":"FILLED","filledQuantity":1e1,"remainingQuantity":0', [
      `"kind":"FILLED",${fill('T4', 'BUY', 6)},${trade(5)}`,
      filled,
    ]),
    canceled2: step('canceled', 2, 8, canceled(1), [
      `"kind":"FILLED",${fill('T5', 'BUY', 1, true)},${trade(6)}`,
      filled,
    ]),
  }
}

const born: Record<Name, number> = { buy: 1, sell: 2, canceled: 3 }

/** A fresh copy each time; no violation in it. */
export const sampleStreams = ({ ids, timeAt, partition }: Small) => {
  const all = steps(partition)
  const iso = (position: number): string => `"${new Date(timeAt(position)).toISOString()}"`
  const orderText = (name: Name, { version, position, after }: Step): string =>
    `{"id":"${ids[name]}","userId":"user-of-${name}","clientOrderId":${name === 'buy' ? '"key-1"' : 'null'},"ticker":"AAPL",` +
    `"side":"${name === 'sell' ? 'SELL' : 'BUY'}","type":"LIMIT","timeInForce":"GTC","quantity":10.0,"price":1.5,"postOnly":false,${after},` +
    `"reason":${name === 'canceled' && version > 0 ? '{"code":"USER_CANCELED","text":null}' : 'null'},` +
    `"createdAt":${iso(born[name])},"updatedAt":${iso(position)},"version":${version}}`
  const textOf = (id: string): string => {
    const step = all[id]!
    const { name, version, position, event } = step
    return `{"event":{"orderId":"${ids[name]}","version":${version},"at":${iso(position)},${event}},"order":${orderText(name, step)}}`
  }
  const data = (id: string): unknown => parseExact(textOf(id))
  const order = (id: string): StreamLine => ({ event: 'order', data: data(id), at: timeAt(all[id]!.position) + 1 })
  const snapshot = (id: string | null): StreamLine => ({
    event: 'snapshot',
    data: parseExact(`{"orders":[${id === null ? '' : orderText(all[id]!.name, all[id]!)}]}`),
    at: timeAt(1),
  })
  const live = (position: number): StreamLine => ({ event: 'live', data: {}, at: timeAt(position) + 1 })
  const connect = (form: 'stream' | 'poll', cursor: string | null): StreamLine => ({
    connect: form,
    cursor,
    slow: false,
  })
  const page = (position: number, ...names: string[]): StreamLine => ({
    page: { events: names.map(data), cursor: `c${position}` },
    at: timeAt(position) + 1,
  })
  const client = (name: string, filter: StreamFilter, lines: StreamLine[]) => ({
    client: name,
    lines: [{ follow: filter }, ...lines, { drained: true }] as StreamLine[],
  })
  return [
    client('everything', {}, [
      connect('stream', null),
      snapshot('buy0'),
      live(1),
      ...['sell0', 'canceled0', 'canceled1'].map(order),
      { refused: 503, code: 'UNAVAILABLE' },
      connect('stream', 'c4'),
      ...['canceled1', 'buy1', 'sell1', 'buy2', 'canceled2'].map(order),
    ]),
    client('user', { userId: 'user-of-sell' }, [connect('stream', null), live(1), order('sell0'), order('sell1')]),
    client('poll', { ticker: 'AAPL' }, [
      connect('poll', null),
      page(4),
      connect('poll', 'c4'),
      page(6, 'buy1', 'sell1'),
      page(8, 'buy2', 'canceled2'),
    ]),
    client('order', { orderId: ids.canceled }, [connect('stream', null), snapshot(null), live(6), order('canceled2')]),
  ]
}
