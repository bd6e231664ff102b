// Trades that no engine should publish, or only rarely: input for every disposition. All are lawful input; the checker
// decides which disposition each must have.

import type { ClientOrder } from './clients.ts'
import type { InboundMessage } from './kafkaSide.ts'
import { copyOf, encode as encodeMessage, recent, type Material } from './material.ts'
import { tickers } from './orderMix.ts'

const encode = (key: string, members: Record<string, unknown>): InboundMessage =>
  encodeMessage(key, { price: 100.5, ...members })
const tradeId = (): string => `chaos-${crypto.randomUUID()}`
const idOf = (side: string): 'buyOrderId' | 'sellOrderId' => (side === 'BUY' ? 'buyOrderId' : 'sellOrderId')

const fill = ({ id, terms }: ClientOrder, members: Record<string, unknown> = {}): InboundMessage =>
  encode(terms.ticker, {
    tradeId: tradeId(),
    [idOf(terms.side)]: id,
    ticker: terms.ticker,
    quantity: Number(terms.quantity),
    ...members,
  })

const malformedBodies = (ticker: string, id: string): (Uint8Array | null)[] => {
  const lawful = { tradeId: tradeId(), orderId: id, ticker, quantity: 1, price: 1, timestamp: '2026-01-02T03:04:05Z' }
  const texts = [
    '',
    '{"tradeId":',
    '[]',
    'null',
    ...[
      { quantity: 0 },
      { quantity: -1 },
      { quantity: '1e3' },
      { quantity: 0.000000001 },
      { price: 1e12 },
      { price: null },
      { price: undefined },
      { ticker: 'NO SUCH TICKER' },
      { ticker: 7 },
      { tradeId: '' },
      { tradeId: 'x'.repeat(65) },
      { tradeId: 'a\u0000b' },
      { timestamp: 'yesterday' },
      { timestamp: undefined },
    ].map((members) => JSON.stringify({ ...lawful, ...members })),
  ]
  return [null, new Uint8Array([0x7b, 0xff, 0xfe]), ...texts.map((text) => new TextEncoder().encode(text))]
}

const conflict = (material: Material): InboundMessage[] => {
  const { key, bytes } = recent(material, material.trades, 400)
  try {
    const trade = JSON.parse(new TextDecoder().decode(bytes!)) as Record<string, unknown>
    const changed = material.rng.chance(0.5) ? { price: 99.75 } : { quantity: 0.5 }
    return [encode(key ?? '', { ...trade, ...changed })]
  } catch {
    return []
  }
}

const mismatch = (material: Material): InboundMessage[] => {
  const order = recent(material, material.orders, 300)
  const { ticker, side } = order.terms
  const other = material.rng.pick(tickers.filter((each) => each !== ticker))
  return material.rng.pick([
    () => [
      encode(ticker, { tradeId: tradeId(), [idOf(side === 'BUY' ? 'SELL' : 'BUY')]: order.id, ticker, quantity: 1 }),
    ],
    () => [encode(other, { tradeId: tradeId(), orderId: order.id, ticker: other, quantity: 1 })],
    () => [encode(ticker, { tradeId: tradeId(), buyOrderId: order.id, sellOrderId: order.id, ticker, quantity: 1 })],
  ])()
}

const unknown = (material: Material): InboundMessage[] => {
  const order = recent(material, material.orders, 300)
  const { ticker, side } = order.terms
  const stranger = material.rng.pick([crypto.randomUUID(), 'not-a-uuid', 'ORDER 7'])
  return material.rng.pick([
    () => [
      encode(ticker, {
        tradeId: tradeId(),
        buyOrderId: crypto.randomUUID(),
        sellOrderId: stranger,
        ticker,
        quantity: 1,
      }),
    ],
    () => [encode(ticker, { tradeId: tradeId(), orderId: stranger, ticker, quantity: 1 })],
    () => [fill(order, { [idOf(side === 'BUY' ? 'SELL' : 'BUY')]: stranger, quantity: 0.01 })],
  ])()
}

/** Lawful trades in forms that the engine does not use. */
const oddForm = (material: Material): InboundMessage[] => {
  const { id, terms } = recent(material, material.orders, 100)
  const form = {
    tradeId: tradeId(),
    ticker: terms.ticker.toLowerCase(),
    orderId: id.toUpperCase(),
    more: { than: 'asked' },
  }
  return [encode(terms.ticker, { ...form, quantity: '0.25000000', price: '100.10', timestamp: Date.now() / 1000 })]
}

export const kinds = {
  duplicate: (material) => [copyOf(recent(material, material.trades, 50)), copyOf(material.rng.pick(material.trades))],
  reordered: (material) => material.trades.slice(-6).toReversed().map(copyOf),
  late: (material) => {
    const canceled = material.orders.filter((order) => order.canceled)
    return canceled.length === 0 ? [] : [fill(recent(material, canceled, 20), { price: 101 })]
  },
  overfill: (material) => {
    const order = recent(material, material.orders, 60)
    return [fill(order), fill(order), fill(order, { quantity: 1000 })]
  },
  conflict,
  mismatch,
  unknown,
  malformed: ({ rng, orders }) => {
    const ticker = rng.pick(tickers)
    return [{ key: ticker, value: rng.pick(malformedBodies(ticker, rng.pick(orders).id)) }]
  },
  oddForm,
} as const satisfies Record<string, (material: Material) => InboundMessage[]>

export type BadTrade = keyof typeof kinds
