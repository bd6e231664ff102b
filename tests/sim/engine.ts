// A matching engine without a conscience: it trades what it reads on order.placed.v1, and it repeats itself, contradicts
// itself, fills too much, names wrong sides, tickers and orders, trades on after a cancel, and writes what is no trade.

import { partitionOf } from '../../src/kafka/partition.ts'
import type { Random } from '../support/random.ts'
import type { Journal, TradeFact, TradeLeg } from './journal.ts'
import { topics } from './kafka/broker.ts'
import type { Owner } from './scheduler.ts'
import { epochMs, type World } from './world.ts'

type BookOrder = { id: string; ticker: string; side: 'BUY' | 'SELL'; remaining: number }
/** Quantities and prices in hundredths. */
type Trade = { tradeId: string; ticker: string; quantity: number; price: number; legs: readonly TradeLeg[] }
type WrittenTrade = { trade: Trade; of: BookOrder }

const pollMs = 15
const owner: Owner = { name: 'engine', alive: true }

const encode = ({ tradeId, ticker, quantity, price, legs }: Trade): Buffer => {
  const idOf = (side: TradeLeg['side']) => legs.find((leg) => leg.side === side)?.orderId ?? null
  const ids = legs[0]!.side === null ? { orderId: idOf(null) } : { buyOrderId: idOf('BUY'), sellOrderId: idOf('SELL') }
  const timestamp = new Date(epochMs).toISOString()
  return Buffer.from(
    JSON.stringify({ tradeId, ...ids, ticker, price: price / 100, quantity: quantity / 100, timestamp }),
  )
}

const factOf = ({ quantity, price, ...trade }: Trade): TradeFact => ({
  malformed: false,
  ...trade,
  quantity: BigInt(quantity) * 1_000_000n,
  price: BigInt(price) * 1_000_000n,
})

export const startEngine = (world: World, journal: Journal, clientsDone: () => boolean): (() => boolean) => {
  const { scheduler, broker, plan } = world
  const random: Random = world.random.fork()
  const orders: BookOrder[] = []
  const ids = new Set<string>()
  const written: WrittenTrade[] = []
  const readTo = new Map<number, number>()
  let trades = 0
  let budget = Math.round(plan.clients * plan.actionsPerClient * (0.3 + random.next()))

  const read = (): void => {
    for (const [partition, log] of broker.logs.get(topics.placed)!.entries()) {
      for (const { value } of log.slice(readTo.get(partition) ?? 0)) {
        const placed = JSON.parse(value!.toString()) as { orderId: string; quantity: number } & Omit<BookOrder, 'id'>
        if (ids.has(placed.orderId)) continue
        ids.add(placed.orderId)
        const { orderId: id, ticker, side, quantity } = placed
        orders.push({ id, ticker, side, remaining: Math.floor(quantity * 100) })
      }
      readTo.set(partition, log.length)
    }
  }

  const publish = (ticker: string, value: Buffer | null, fact: TradeFact): void => {
    const partition = partitionOf(ticker, plan.partitions.trades)
    if (!journal.trades.has(partition)) journal.trades.set(partition, [])
    journal.trades.get(partition)!.push(fact)
    const sentAt = scheduler.now()
    broker.append(topics.trades, partition, [{ key: ticker, value, headers: new Map(), sentAt, appendedAt: sentAt }])
    world.log(`trade at ${partition}@${journal.trades.get(partition)!.length - 1}: ${value?.toString() ?? 'null'}`)
  }

  const report = (of: BookOrder, trade: Trade): void => {
    written.push({ trade, of })
    publish(of.ticker, encode(trade), factOf(trade))
  }

  const otherSide = ({ side }: BookOrder) => (side === 'BUY' ? 'SELL' : 'BUY')

  /** The other leg: a matching order, an unknown order, an id of somebody else's, or none. */
  const counterparty = (of: BookOrder): TradeLeg[] => {
    const match = orders.find((other) => other.ticker === of.ticker && other.side !== of.side && other.remaining > 0)
    const what = random.next()
    if (what < 0.6 && match !== undefined) return [{ side: match.side, orderId: match.id }]
    if (what < 0.7) return [{ side: otherSide(of), orderId: random.uuidv7(new Date(epochMs)) }]
    if (what < 0.75) return [{ side: otherSide(of), orderId: 'not-ours' }]
    return []
  }

  const newTrade = (of: BookOrder): Trade => {
    const whole = random.chance(0.3)
    const quantity = whole ? Math.max(1, of.remaining) : random.int(1, Math.max(1, of.remaining >> 1))
    of.remaining -= quantity
    const rest = counterparty(of)
    const side = rest.length === 0 && random.chance(0.3) ? null : of.side
    const price = random.int(1, 500)
    return { tradeId: `t${++trades}`, ticker: of.ticker, quantity, price, legs: [{ side, orderId: of.id }, ...rest] }
  }

  const wrongTrade = (of: BookOrder): Trade => {
    const trade = newTrade(of)
    const what = random.int(0, 2)
    if (what === 0) return { ...trade, legs: [{ side: otherSide(of), orderId: of.id }] }
    if (what === 1) return { ...trade, ticker: 'OTHER', legs: [{ side: of.side, orderId: of.id }] }
    const both = (['BUY', 'SELL'] as const).map((side) => ({ side, orderId: of.id }))
    return { ...trade, legs: both }
  }

  const act = (): void => {
    // Mostly fresh orders, which a client may be about to cancel.
    const of = random.chance(0.6) ? random.pick(orders.slice(-3)) : random.pick(orders)
    const before = written.length === 0 ? null : random.pick(written)
    const what = random.next()
    if (what < 0.6) report(of, newTrade(of))
    else if (what < 0.7 && before !== null) report(before.of, before.trade)
    else if (what < 0.76 && before !== null)
      report(before.of, { ...before.trade, quantity: random.int(1, before.trade.quantity + 1) })
    else if (what < 0.86) report(of, { ...newTrade(of), quantity: random.int(1, 1_200) })
    else if (what < 0.93) report(of, wrongTrade(of))
    else if (what < 0.97)
      publish(of.ticker, random.pick([null, Buffer.from('{'), Buffer.from('{}')]), { malformed: true })
    else report(of, { ...newTrade(of), legs: [{ side: 'BUY', orderId: random.uuidv7(new Date(epochMs)) }] })
  }

  let idle = 0
  const live = (): void => {
    read()
    idle = clientsDone() ? idle + 1 : 0
    while (orders.length > 0 && budget > 0 && random.chance(0.4)) {
      act()
      budget--
    }
    scheduler.after(pollMs * (0.5 + random.next()), owner, live)
  }
  scheduler.after(0, owner, live)
  return () => idle > 0 && (budget <= 0 || idle > 50)
}
