// A matching engine without a conscience: it trades what it reads on order.placed.v1, and it repeats itself, contradicts
// itself, fills too much, names wrong sides, tickers and orders, trades on after a cancel, and writes what is no trade.

import { redrivenFrom } from '../../src/kafka/letterHeaders.ts'
import { partitionOf } from '../../src/kafka/partition.ts'
import type { Random } from '../support/random.ts'
import type { Journal, TradeFact, TradeLeg } from './journal.ts'
import { topics } from './kafka/broker.ts'
import { tickers } from './postgres/tickers.ts'
import { createReporter } from './reporter.ts'
import type { Owner } from './scheduler.ts'
import { epochMs, type World } from './world.ts'

/** `traded`: what its lawful trades come to. Quantities in hundredths. */
export type BookOrder = { id: string; ticker: string; side: 'BUY' | 'SELL'; remaining: number; traded: number }
/** Quantities and prices in hundredths. */
type Trade = {
  tradeId: string
  ticker: string
  quantity: number
  price: number
  tradedAt: number
  redriven: boolean
  legs: readonly TradeLeg[]
}
/** `of`: null if it is of no order in the book. */
type WrittenTrade = { trade: Trade; of: BookOrder | null }

const pollMs = 15
const owner: Owner = { name: 'engine', alive: true }

const encode = ({ tradeId, ticker, quantity, price, tradedAt, legs }: Trade): Buffer => {
  const idOf = (side: TradeLeg['side']) => legs.find((leg) => leg.side === side)?.orderId ?? null
  const ids = legs[0]!.side === null ? { orderId: idOf(null) } : { buyOrderId: idOf('BUY'), sellOrderId: idOf('SELL') }
  const timestamp = new Date(tradedAt).toISOString()
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
  const reporter = createReporter(world, journal)
  let trades = 0
  let budget = Math.round(plan.clients * plan.actionsPerClient * (0.5 + random.next()))

  const read = (): void => {
    for (const [partition, log] of broker.logs.get(topics.placed)!.entries()) {
      for (const { value } of log.slice(readTo.get(partition) ?? 0)) {
        const placed = JSON.parse(value!.toString()) as { orderId: string; quantity: number } & Pick<
          BookOrder,
          'ticker' | 'side'
        >
        if (ids.has(placed.orderId)) continue
        ids.add(placed.orderId)
        const { orderId: id, ticker, side, quantity } = placed
        orders.push({ id, ticker, side, remaining: Math.floor(quantity * 100), traded: 0 })
      }
      readTo.set(partition, log.length)
    }
  }

  const publish = (ticker: string, value: Buffer | null, fact: TradeFact): void => {
    const partition = partitionOf(ticker, plan.partitions.trades)
    if (!journal.trades.has(partition)) journal.trades.set(partition, [])
    journal.trades.get(partition)!.push(fact)
    const sentAt = scheduler.now()
    const headers = new Map(!fact.malformed && fact.redriven ? [[redrivenFrom, 'a letter']] : [])
    broker.append(topics.trades, partition, [{ key: ticker, value, headers, sentAt, appendedAt: sentAt }])
    world.log(`trade at ${partition}@${journal.trades.get(partition)!.length - 1}: ${value?.toString() ?? 'null'}`)
  }

  const report = (of: BookOrder | null, trade: Trade): void => {
    written.push({ trade, of })
    publish(of?.ticker ?? trade.ticker, encode(trade), factOf(trade))
  }

  const otherSide = ({ side }: BookOrder) => (side === 'BUY' ? 'SELL' : 'BUY')

  /** Mostly in whole seconds, as engines do; sometimes of a while ago. */
  const stamp = (): number => {
    const at = epochMs + Math.floor(scheduler.now())
    const what = random.next()
    return what < 0.5 ? at - (at % 1_000) : what < 0.9 ? at : at - random.int(0, 10_000)
  }

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
    const legs = [{ side, orderId: of.id }, ...rest]
    return { tradeId: `t${++trades}`, ticker: of.ticker, quantity, price, tradedAt: stamp(), redriven: false, legs }
  }

  /** Of orders of somebody else, of any ticker. It meets the price of stops all the same. */
  const foreignTrade = (): Trade => {
    const ticker = tickers[random.int(0, plan.tickers - 1)]!
    const legs = [{ side: random.pick(['BUY', 'SELL'] as const), orderId: random.uuidv7(new Date(epochMs)) }]
    const amounts = { quantity: random.int(1, 500), price: random.int(1, 500) }
    return { tradeId: `t${++trades}`, ticker, ...amounts, tradedAt: stamp(), redriven: false, legs }
  }

  /** It can name an order that no engine was told of. */
  const tradeOfWaitingStop = (): void => {
    const waiting = [...world.db.orders.values()].filter((row) => row.stop_price !== null && row.triggered_at === null)
    if (waiting.length === 0) return report(null, foreignTrade())
    const { id, side, ticker } = random.pick(waiting)
    report(null, { ...foreignTrade(), ticker, legs: [{ side, orderId: id }] })
  }

  const wrongTrade = (of: BookOrder): Trade => {
    const trade = newTrade(of)
    const what = random.int(0, 3)
    if (what === 3) return { ...trade, ticker: tickers[random.int(0, plan.tickers - 1)]! }
    if (what === 0) return { ...trade, legs: [{ side: otherSide(of), orderId: of.id }] }
    if (what === 1) return { ...trade, ticker: 'OTHER', legs: [{ side: of.side, orderId: of.id }] }
    const both = (['BUY', 'SELL'] as const).map((side) => ({ side, orderId: of.id }))
    return { ...trade, legs: both }
  }

  /** As a redrive does it: what was settled before comes again. Its price is of another time. */
  const redrive = ({ of, trade }: WrittenTrade): void => {
    const legs = trade.legs.filter(({ orderId }) => world.db.orders.has(orderId))
    if (legs.length > 0) report(of, { ...trade, legs, redriven: true, tradedAt: stamp() })
  }

  const reportLawful = (of: BookOrder): void => {
    const trade = newTrade(of)
    of.traded += trade.quantity
    report(of, trade)
  }

  const actOn = (of: BookOrder): void => {
    const before = written.length === 0 ? null : random.pick(written)
    const what = random.next()
    if (what < 0.6) reportLawful(of)
    else if (what < 0.68 && before !== null) report(before.of, before.trade)
    else if (what < 0.7 && before !== null) redrive(before)
    else if (what < 0.76 && before !== null)
      report(before.of, { ...before.trade, quantity: random.int(1, before.trade.quantity + 1) })
    else if (what < 0.86) report(of, { ...newTrade(of), quantity: random.int(1, 1_200) })
    else if (what < 0.93) report(of, wrongTrade(of))
    else publish(of.ticker, random.pick([null, Buffer.from('{'), Buffer.from('{}')]), { malformed: true })
  }

  const act = (): void => {
    if (random.chance(plan.reports)) return reporter.act(orders)
    const what = random.next()
    if (orders.length === 0 || what < (plan.stops > 0 ? 0.3 : 0.08)) report(null, foreignTrade())
    else if (what < 0.33 && plan.stops > 0) tradeOfWaitingStop()
    // Mostly fresh orders, which a client may be about to cancel.
    else actOn(random.chance(0.6) ? random.pick(orders.slice(-3)) : random.pick(orders))
  }

  let idle = 0
  const live = (): void => {
    read()
    idle = clientsDone() ? idle + 1 : 0
    while (budget > 0 && (orders.length > 0 || plan.stops > 0) && random.chance(plan.tradePace)) {
      act()
      budget--
    }
    scheduler.after(pollMs * (0.5 + random.next()), owner, live)
  }
  scheduler.after(0, owner, live)
  return () => idle > 0 && (budget <= 0 || idle > 50)
}
