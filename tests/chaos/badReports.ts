// Reports that no engine should publish, or only rarely: early, late, twice, contradicting. All are lawful input; the checker decides what each
// may come to. The reference engine never hears of them: it goes on with an order that they end.

import type { ClientOrder } from './clients.ts'
import type { InboundMessage } from './kafkaSide.ts'
import { copyOf, encode, recent, type Material } from './material.ts'
import { tickers } from './orderMix.ts'

/** In the order in which they are published: all reports first. */
export type Published = { reports: InboundMessage[]; trades?: InboundMessage[] }

/** The least amount, so that most orders can take it. */
const least = '0.00000001'

const report = ({ id, terms }: ClientOrder, members: Record<string, unknown> = {}): InboundMessage =>
  encode(terms.ticker, {
    reportId: `chaos-${crypto.randomUUID()}`,
    orderId: id,
    ticker: terms.ticker,
    kind: 'CANCELED',
    reason: 'by the harness',
    ...members,
  })

const tradeOf = ({ id, terms }: ClientOrder): InboundMessage =>
  encode(terms.ticker, {
    tradeId: `chaos-${crypto.randomUUID()}`,
    orderId: id,
    ticker: terms.ticker,
    quantity: least,
    price: 100.5,
  })

/** Mostly published: a report of a stop that waits is a mismatch. */
const orderOf = (material: Material, most: number): ClientOrder => {
  const published = material.orders.filter(({ terms }) => terms.stopPrice === null)
  const some = published.length === 0 || material.rng.chance(0.1) ? material.orders : published
  return recent(material, some, most)
}

const malformedBodies = (order: ClientOrder): (Uint8Array | null)[] => {
  const texts = [
    '',
    '{"reportId":',
    '[]',
    ...[
      { kind: 'FILLED' },
      { kind: undefined },
      { reportId: '' },
      { reportId: 'x'.repeat(65) },
      { cumulativeQuantity: -1 },
      { cumulativeQuantity: '1e3' },
      { cumulativeQuantity: 0.000000001 },
      { ticker: 'NO SUCH TICKER' },
      { reason: 7 },
      { timestamp: 'yesterday' },
    ].map((members) => new TextDecoder().decode(report(order, members).value!)),
  ]
  return [null, new Uint8Array([0x7b, 0xff, 0xfe]), ...texts.map((text) => new TextEncoder().encode(text))]
}

/** The same id with other content. */
const contradict = (material: Material): InboundMessage[] => {
  const { key, bytes } = recent(material, material.reports, 200)
  try {
    const earlier = JSON.parse(new TextDecoder().decode(bytes!)) as Record<string, unknown>
    const changed = material.rng.pick([{ kind: 'EXPIRED' }, { kind: 'REJECTED' }, { cumulativeQuantity: 3 }])
    return [encode(key ?? '', { ...earlier, ...changed })]
  } catch {
    return []
  }
}

export const reportKinds = {
  'report before its trade': (material) => {
    const order = orderOf(material, 60)
    return { reports: [report(order, { cumulativeQuantity: least })], trades: [tradeOf(order)] }
  },
  'report whose trades never come': (material) => {
    const order = orderOf(material, 60)
    return { reports: [report(order, { kind: 'EXPIRED', cumulativeQuantity: order.terms.quantity })] }
  },
  'report without a quantity': (material) => {
    const order = orderOf(material, 60)
    return { reports: [report(order, { kind: material.rng.pick(['CANCELED', 'EXPIRED']) })], trades: [tradeOf(order)] }
  },
  'report of nothing filled': (material) => ({
    reports: [report(orderOf(material, 200), { cumulativeQuantity: 0, reason: undefined })],
  }),
  'report late': (material) => {
    const canceled = material.orders.filter((order) => order.canceled)
    return { reports: canceled.length === 0 ? [] : [report(recent(material, canceled, 100))] }
  },
  'report rejected': (material) => ({ reports: [report(orderOf(material, 40), { kind: 'REJECTED' })] }),
  'report twice': (material) => ({
    reports:
      material.reports.length === 0
        ? []
        : [copyOf(recent(material, material.reports, 30)), copyOf(material.rng.pick(material.reports))],
  }),
  'report contradicted': (material) => ({ reports: material.reports.length === 0 ? [] : contradict(material) }),
  'report of two ends': (material) => {
    const order = orderOf(material, 60)
    return { reports: [report(order), report(order, { kind: 'EXPIRED' })] }
  },
  'report of another ticker': (material) => {
    const order = orderOf(material, 200)
    const other = material.rng.pick(tickers.filter((ticker) => ticker !== order.terms.ticker))
    return { reports: [{ ...report(order, { ticker: other }), key: other }] }
  },
  'report of an unknown order': (material) => ({
    reports: [report(orderOf(material, 60), { orderId: material.rng.pick([crypto.randomUUID(), 'ORDER 7']) })],
  }),
  'report malformed': (material) => {
    const order = orderOf(material, 60)
    return { reports: [{ key: order.terms.ticker, value: material.rng.pick(malformedBodies(order)) }] }
  },
} as const satisfies Record<string, (material: Material) => Published>

export type BadReport = keyof typeof reportKinds
