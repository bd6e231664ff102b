// Proves: a restart finds the trades and reports that were not published, the same ones, and no others; and whatever had been
// published, no order trades beyond its quantity or after its report.

import { expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { actions, cancelledMessage, orderShape, placedMessage } from './arbitraries.ts'
import type { Action } from './arbitraries.ts'
import { createEngine, onCancelled, onOwnReport, onPlaced, onTrade } from './engine.ts'
import type { Incoming, Result } from './engine.ts'
import { FEATURES } from './features.ts'
import { encodeReport, encodeTrade, reportIdOf } from './messages.ts'
import type { Report, Trade } from './messages.ts'

type Live = { placed: Incoming[]; cancels: Incoming[]; results: Result[]; quantities: Map<string, bigint> }
/** What is on the topics when the engine starts again. */
type Topics = { trades: readonly Trade[]; reports: readonly Report[] }

const everything = new Set(FEATURES)
const share = fc.double({ min: 0, max: 1, noNaN: true })

const tradeMessage = (trade: Trade): Incoming => ({
  eventId: trade.tradeId,
  value: Buffer.from(encodeTrade(trade)),
  timestamp: 0,
})

const reportMessage = (report: Report): Incoming => ({
  eventId: reportIdOf(report),
  value: Buffer.from(encodeReport(report)),
  timestamp: 0,
})

const tradesOf = (results: readonly Result[]): Trade[] => results.flatMap(({ trades }) => trades)

const reportsOf = (results: readonly Result[]): Report[] =>
  results.flatMap(({ report }) => (report === null ? [] : [report]))

const bytes = (topics: Topics) => [topics.trades.map(encodeTrade), topics.reports.map(encodeReport)]

const both = (results: readonly Result[]): Topics => ({ trades: tradesOf(results), reports: reportsOf(results) })

/** A first run over random orders and cancels. */
const live = (steps: readonly Action[]): Live => {
  const engine = createEngine(everything)
  const run: Live = { placed: [], cancels: [], results: [], quantities: new Map() }
  for (const [at, step] of steps.entries()) {
    if (step.kind === 'place') {
      const order = placedMessage(`${at}`, 'AAPL', step.shape)
      run.placed.push(order)
      run.quantities.set(`${at}`, step.shape.quantity)
      run.results.push(onPlaced(engine, order))
    } else {
      const cancelled = cancelledMessage(`${step.of}`, 'AAPL')
      run.cancels.push(cancelled)
      onCancelled(engine, cancelled)
    }
  }
  return run
}

/** What a run makes that finds this much on the topics. */
const restart = ({ placed, cancels }: Pick<Live, 'placed' | 'cancels'>, found: Topics): Topics => {
  const engine = createEngine(everything)
  for (const trade of found.trades) onTrade(engine, tradeMessage(trade))
  for (const report of found.reports) onOwnReport(engine, reportMessage(report))
  for (const cancelled of cancels) onCancelled(engine, cancelled)
  return both(placed.map((order) => onPlaced(engine, order)))
}

/** The trades up to a cut, anywhere, and of the reports before it those up to another one: reports follow their trades. */
const published = (results: readonly Result[], cuts: { trades: number; reports: number }): Topics => {
  const trades = tradesOf(results).slice(0, Math.round(cuts.trades * tradesOf(results).length))
  let [room, whole] = [trades.length, 0]
  while (whole < results.length && results[whole]!.trades.length <= room) room -= results[whole++]!.trades.length
  const reports = reportsOf(results.slice(0, whole))
  return { trades, reports: reports.slice(0, Math.round(cuts.reports * reports.length)) }
}

test('makes exactly what was not published yet, byte for byte, where no iceberg lost its place', () => {
  fc.assert(
    fc.property(fc.array(orderShape, { maxLength: 60, size: 'max' }), share, (shapes, cut) => {
      const run = live(shapes.map((shape) => ({ kind: 'place', shape: { ...shape, display: null } })))
      const found = published(run.results, { trades: cut, reports: 1 })
      const twice = {
        trades: [...found.trades, ...found.trades.slice(-3)],
        reports: [...found.reports, ...found.reports],
      }
      const { trades, reports } = both(run.results)
      const missing = { trades: trades.slice(found.trades.length), reports: reports.slice(found.reports.length) }
      expect(bytes(restart(run, twice))).toEqual(bytes(missing))
    }),
    { numRuns: 300 },
  )
})

test('makes nothing when all was published, however orders and cancels had been mixed', () => {
  fc.assert(
    fc.property(actions, (steps) => {
      const run = live(steps)
      expect(restart(run, both(run.results))).toEqual({ trades: [], reports: [] })
    }),
    { numRuns: 300 },
  )
})

test('makes the reports again, the same ones, when none was published', () => {
  fc.assert(
    fc.property(fc.array(orderShape, { maxLength: 60, size: 'max' }), (shapes) => {
      const run = live(shapes.map((shape) => ({ kind: 'place', shape: { ...shape, postOnly: false } })))
      const { trades, reports } = both(run.results)
      expect(bytes(restart(run, { trades, reports: [] }))).toEqual(bytes({ trades: [], reports }))
    }),
    { numRuns: 300 },
  )
})

test('a taker that had begun may meet an iceberg again: that is another trade', () => {
  const ask = { side: 'SELL', type: 'LIMIT', timeInForce: 'GTC', price: 1n, postOnly: false } as const
  const run = live([
    { kind: 'place', shape: { ...ask, quantity: 10n, display: 1n } },
    { kind: 'place', shape: { ...ask, quantity: 5n, display: null } },
    { kind: 'place', shape: { ...ask, side: 'BUY', quantity: 8n, display: null } },
  ])
  const [first, second] = tradesOf(run.results)
  expect([first, second]).toMatchObject([
    { makerId: '0', quantity: 3_00000000n },
    { makerId: '1', quantity: 5_00000000n },
  ])
  const { trades } = restart(run, { trades: [first!], reports: [] })
  expect(trades).toMatchObject([
    { makerId: '0', quantity: 1_00000000n },
    { makerId: '1', quantity: 4_00000000n },
  ])
  expect(trades.map(({ tradeId }) => tradeId)).not.toContain(first!.tradeId)
})

test('never passes a quantity, trades twice under one id, or trades after a report, whatever had been published', () => {
  fc.assert(
    fc.property(actions, share, share, (steps, tradesCut, reportsCut) => {
      const run = live(steps)
      const found = published(run.results, { trades: tradesCut, reports: reportsCut })
      const made = restart(run, found)
      const trades = [...found.trades, ...made.trades]
      const reports = new Map([...found.reports, ...made.reports].map((report) => [report.orderId, report]))
      expect(new Set(trades.map((trade) => trade.tradeId)).size).toBe(trades.length)
      expect(reports.size).toBe(found.reports.length + made.reports.length)
      for (const [id, quantity] of run.quantities) {
        const own = trades.filter((trade) => trade.takerId === id || trade.makerId === id)
        const executed = own.reduce((sum, trade) => sum + trade.quantity, 0n)
        expect(executed <= quantity * 100_000_000n).toBe(true)
        expect(reports.get(id)?.executed ?? executed).toBe(executed)
      }
    }),
    { numRuns: 500 },
  )
})
