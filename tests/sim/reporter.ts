// The engine's other voice: it reports how orders ended. Early (before the trades that it counts), late, twice, in contradiction to itself, about
// orders that it was never told of, and in words that nobody understands.

import { partitionOf } from '../../src/kafka/partition.ts'
import type { BookOrder } from './engine.ts'
import type { Journal, ReportFact } from './journal.ts'
import { topics } from './kafka/broker.ts'
import { epochMs, type World } from './world.ts'

type SoundReport = Extract<ReportFact, { malformed: false }>
export type Reporter = { act: (orders: readonly BookOrder[]) => void }

const kinds = ['CANCELED', 'EXPIRED', 'REJECTED'] as const

export const createReporter = (world: World, journal: Journal): Reporter => {
  const { scheduler, broker, plan, db } = world
  const random = world.random.fork()
  const written: SoundReport[] = []
  let count = 0

  const publish = (ticker: string, fact: ReportFact, value: Buffer | null): void => {
    const partition = partitionOf(ticker, plan.partitions.reports)
    if (!journal.reports.has(partition)) journal.reports.set(partition, [])
    journal.reports.get(partition)!.push(fact)
    const sentAt = scheduler.now()
    const record = { key: ticker, value, headers: new Map<string, string>(), sentAt, appendedAt: sentAt }
    broker.append(topics.reports, partition, [record])
    world.log(`report at ${partition}@${journal.reports.get(partition)!.length - 1}: ${value?.toString() ?? 'null'}`)
  }

  const report = (fact: SoundReport): void => {
    written.push(fact)
    const { reportId, orderId, ticker, kind, cumulative } = fact
    const timestamp = new Date(epochMs + Math.floor(scheduler.now())).toISOString()
    const cumulativeQuantity = cumulative === null ? {} : { cumulativeQuantity: cumulative / 100 }
    const value = JSON.stringify({ reportId, orderId, ticker, kind, reason: 'said', ...cumulativeQuantity, timestamp })
    publish(ticker, fact, Buffer.from(value))
  }

  const newReport = ({ id, ticker, traded }: BookOrder): SoundReport => {
    const what = random.next()
    // What it has traded, what it will have traded, or what it never will.
    const cumulative = what < 0.5 ? traded : what < 0.6 ? traded + random.int(1, 200) : what < 0.65 ? 0 : null
    const kind =
      traded === 0 ? random.pick(kinds) : random.pick(['CANCELED', 'EXPIRED', 'CANCELED', 'REJECTED'] as const)
    return { malformed: false, reportId: `r${++count}`, orderId: id, ticker, kind, cumulative }
  }

  const nowhere = (): SoundReport => {
    const waiting = [...db.orders.values()].find((row) => row.stop_price !== null && row.triggered_at === null)
    const orderId = random.chance(0.5) ? (waiting?.id ?? 'not-ours') : random.uuidv7(new Date(epochMs))
    const ticker = waiting?.ticker ?? 'OTHER'
    return { malformed: false, reportId: `r${++count}`, orderId, ticker, kind: 'CANCELED', cumulative: null }
  }

  return {
    act(orders) {
      if (orders.length === 0) return report(nowhere())
      const of = random.chance(0.5) ? random.pick(orders.slice(-3)) : random.pick(orders)
      const before = written.length === 0 ? null : random.pick(written)
      const what = random.next()
      if (what < 0.65) report(newReport(of))
      else if (what < 0.75 && before !== null) report(before)
      else if (what < 0.82 && before !== null) report({ ...before, kind: random.pick(kinds) })
      else if (what < 0.87) report({ ...newReport(of), ticker: 'OTHER' })
      else if (what < 0.95) report(nowhere())
      else publish(of.ticker, { malformed: true }, random.pick([null, Buffer.from('{'), Buffer.from('{}')]))
    },
  }
}
