// Proves: every report of the engine ends in exactly one disposition, judged in the order of the contract, or waits for the fills that the
// engine made before it; whatever comes in whatever order, an order ends at most once and is never over-filled.

import { describe, expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { foldLegs } from '../../src/domain/fold.ts'
import { isFinal, statuses, type Order } from '../../src/domain/order.ts'
import {
  foldReports,
  judgeReport,
  reportDispositions,
  settleReport,
  type Report,
  type ReportJudgement,
  type ReportRecord,
  type Tape,
} from '../../src/domain/report.ts'
import { amount } from '../support/builders.ts'
import { legFor, newOrder, orderId, placedAt } from './arbitraries.ts'

const now = new Date(placedAt.getTime() + 5_000)
const unknown: ReportRecord = { report: null, exceptions: [] }

const reportOf = (changed: Partial<Report> = {}): Report => ({
  reportId: 'R-1',
  orderId,
  ticker: 'AAPL',
  kind: 'CANCELED',
  reason: 'no liquidity',
  cumulativeQuantity: null,
  reportedAt: '2026-01-02T03:04:06.000000Z',
  ...changed,
})

const partial: Order = {
  ...newOrder(),
  status: 'PARTIALLY_FILLED',
  filledQuantity: amount('40'),
  filledNotional: amount('40') * amount('150'),
  lastFillPrice: amount('150'),
  version: 1,
}
const stop: Order = { ...newOrder(), type: 'STOP', price: null, stopPrice: amount('200') }
const refused: Order = { ...newOrder(), status: 'REJECTED', reason: { code: 'HALTED', text: null } }
const reasonOf = (judgement: ReportJudgement) => ('reason' in judgement ? judgement.reason : null)
const judge = (order: Order | undefined, changed: Partial<Report> = {}, record = unknown) =>
  judgeReport(order, reportOf(changed), record, now)

test('there are eight dispositions', () => {
  expect([...reportDispositions] as string[]).toEqual([
    'MALFORMED',
    'UNKNOWN_ORDER',
    'DUPLICATE',
    'CONFLICT',
    'MISMATCH',
    'STALE',
    'INCOMPLETE',
    'APPLIED',
  ])
})

test('no such order: UNKNOWN_ORDER, whatever is recorded', () => {
  for (const record of [unknown, { report: reportOf(), exceptions: [] }])
    expect(judge(undefined, {}, record)).toEqual({ disposition: 'UNKNOWN_ORDER' })
})

describe('DUPLICATE and CONFLICT', () => {
  const taken: ReportRecord = { report: reportOf({ cumulativeQuantity: amount('5') }), exceptions: [] }

  test('the same kind, ticker and quantity again is a duplicate, whatever its reason and time', () => {
    const again = { cumulativeQuantity: amount('5'), reason: null, reportedAt: '2027-01-01T00:00:00.000000Z' }
    for (const status of statuses)
      expect(judge({ ...newOrder(), status }, again, taken)).toEqual({ disposition: 'DUPLICATE' })
  })

  test.each([
    ['kind', { kind: 'EXPIRED' as const, cumulativeQuantity: amount('5') }],
    ['ticker', { ticker: 'MSFT', cumulativeQuantity: amount('5') }],
    ['quantity', { cumulativeQuantity: amount('6') }],
    ['quantity left out', {}],
  ])('other %s is a conflict, even of a final order', (_, changed) => {
    for (const order of [newOrder(), { ...newOrder(), status: 'CANCELED' as const, version: 1 }])
      expect(judge(order, changed, taken)).toEqual({
        disposition: 'CONFLICT',
        reason: 'a report with this id and other content was taken before',
      })
  })

  test('a quantity of 0 is not a quantity left out', () => {
    const record: ReportRecord = { report: reportOf({ cumulativeQuantity: 0n }), exceptions: [] }
    expect(judge(newOrder(), { cumulativeQuantity: 0n }, record).disposition).toBe('DUPLICATE')
    expect(judge(newOrder(), {}, record).disposition).toBe('CONFLICT')
  })

  test('an exception with this content makes a duplicate; one with other content says nothing', () => {
    const record: ReportRecord = { report: null, exceptions: [reportOf({ ticker: 'MSFT' })] }
    expect(judge(newOrder(), { ticker: 'MSFT' }, record).disposition).toBe('DUPLICATE')
    expect(judge(newOrder(), { cumulativeQuantity: 0n }, record).disposition).toBe('APPLIED')
  })
})

describe('MISMATCH', () => {
  test.each([
    ['another ticker', newOrder(), { ticker: 'MSFT' }, 'the report is of MSFT, the order of AAPL'],
    ['REJECTED after a fill', partial, { kind: 'REJECTED' as const }, 'an order with fills cannot be rejected'],
    [
      'REJECTED that counts fills',
      newOrder(),
      { kind: 'REJECTED' as const, cumulativeQuantity: 1n },
      'an order with fills cannot be rejected',
    ],
    ['a stop that waits', stop, {}, 'the order was never published'],
    [
      'a stop that was canceled while it waited',
      { ...stop, status: 'CANCELED' as const, version: 1 },
      {},
      'the order was never published',
    ],
    ['an order that a rule refused', refused, {}, 'the order was never published'],
    [
      'fewer fills than there are',
      partial,
      { cumulativeQuantity: amount('39.99999999') },
      'more of the order is filled than the report says',
    ],
    [
      'fewer fills than a filled order has',
      { ...partial, status: 'FILLED' as const, filledQuantity: amount('100') },
      { cumulativeQuantity: amount('99') },
      'more of the order is filled than the report says',
    ],
  ])('%s', (_, order, changed, reason) => {
    const judgement = judge(order, changed)
    expect(judgement.disposition).toBe('MISMATCH')
    expect(reasonOf(judgement)).toBe(reason)
  })

  test('a stop that has triggered is an order as any other', () => {
    const triggered = { ...stop, triggeredAt: now, version: 1 }
    expect(judge(triggered, { kind: 'REJECTED' }).disposition).toBe('APPLIED')
  })
})

describe('STALE', () => {
  test.each(statuses.filter(isFinal))('of a %s order', (status) => {
    for (const kind of ['CANCELED', 'EXPIRED'] as const)
      expect(judge({ ...newOrder(), status, version: 1 }, { kind, cumulativeQuantity: amount('100') })).toEqual({
        disposition: 'STALE',
      })
  })
})

describe('APPLIED', () => {
  test.each([
    ['REJECTED', 'REJECTED', 'ENGINE_REJECTED'],
    ['CANCELED', 'CANCELED', 'ENGINE_CANCELED'],
    ['EXPIRED', 'EXPIRED', 'ENGINE_EXPIRED'],
  ] as const)('%s ends a new order as %s, with the words of the engine', (kind, status, code) => {
    const judgement = judge(newOrder(), { kind, cumulativeQuantity: 0n })
    expect(judgement).toEqual({
      disposition: 'APPLIED',
      order: { ...newOrder(), status, reason: { code, text: 'no liquidity' }, updatedAt: now, version: 1 },
    })
  })

  test('to a partially filled order, if the ledger has all that the report counts; its fills stay', () => {
    const judgement = judge(partial, { cumulativeQuantity: amount('40') })
    expect(judgement).toMatchObject({
      disposition: 'APPLIED',
      order: { status: 'CANCELED', filledQuantity: amount('40'), lastFillPrice: amount('150'), version: 2 },
    })
  })

  test('a clock that is behind does not set the order back', () => {
    const order = { ...newOrder(), updatedAt: new Date(now.getTime() + 60_000) }
    expect(judge(order, { cumulativeQuantity: 0n })).toMatchObject({ order: { updatedAt: order.updatedAt } })
  })
})

describe('a report that waits', () => {
  const none: Tape = { reachesArrival: false, reachesLimit: false }
  const arrival: Tape = { reachesArrival: true, reachesLimit: false }
  const limit: Tape = { reachesArrival: true, reachesLimit: true }
  const settle = (order: Order, changed: Partial<Report>, tape: Tape) =>
    settleReport(order, reportOf(changed), tape, now)

  test('with a quantity waits for the ledger, not for the trade topic', () => {
    const changed = { cumulativeQuantity: amount('60') }
    expect(judge(partial, changed)).toEqual({ disposition: 'WAITING' })
    for (const tape of [none, arrival]) expect(settle(partial, changed, tape)).toEqual({ disposition: 'WAITING' })
    const filled = { ...partial, filledQuantity: amount('60') }
    expect(settle(filled, changed, none)).toMatchObject({ disposition: 'APPLIED', order: { status: 'CANCELED' } })
  })

  test('without a quantity waits until the trade topic was applied up to its arrival', () => {
    expect(judge(partial)).toEqual({ disposition: 'WAITING' })
    expect(settle(partial, {}, none)).toEqual({ disposition: 'WAITING' })
    expect(settle(partial, {}, arrival)).toMatchObject({ disposition: 'APPLIED', order: { status: 'CANCELED' } })
  })

  test('past the limit it is applied all the same, and an operator is told', () => {
    expect(settle(partial, { kind: 'EXPIRED', cumulativeQuantity: amount('60') }, limit)).toMatchObject({
      disposition: 'INCOMPLETE',
      reason: 'fills that the report counts have not come',
      order: { status: 'EXPIRED', filledQuantity: amount('40'), reason: { code: 'ENGINE_EXPIRED' } },
    })
  })

  test.each(statuses.filter(isFinal))('is STALE once the order is %s', (status) => {
    for (const tape of [none, arrival, limit])
      expect(settle({ ...partial, status }, { cumulativeQuantity: amount('60') }, tape)).toEqual({
        disposition: 'STALE',
      })
  })

  test('is a MISMATCH once more is filled than it counts', () => {
    const filled = { ...partial, filledQuantity: amount('61') }
    expect(settle(filled, { cumulativeQuantity: amount('60') }, limit).disposition).toBe('MISMATCH')
  })
})

/** What can happen to one order, in any order and again. */
type Happening =
  | { what: 'fill'; tradeId: string; quantity: bigint }
  | { what: 'report'; report: Report }
  | { what: 'settle'; tape: Tape }

const unit = 10n ** 7n
const happening: fc.Arbitrary<Happening> = fc.oneof(
  fc.record({
    what: fc.constant('fill' as const),
    tradeId: fc.constantFrom('T-1', 'T-2', 'T-3', 'T-4'),
    quantity: fc.integer({ min: 1, max: 3 }).map((n) => BigInt(n) * unit),
  }),
  fc.record({
    what: fc.constant('report' as const),
    report: fc
      .record({
        reportId: fc.constantFrom('R-1', 'R-2', 'R-3'),
        kind: fc.constantFrom('CANCELED', 'CANCELED', 'EXPIRED', 'REJECTED'),
        ticker: fc.constantFrom('AAPL', 'AAPL', 'AAPL', 'AAPL', 'MSFT'),
        cumulativeQuantity: fc.option(fc.integer({ min: 0, max: 6 }).map((n) => BigInt(n) * unit)),
      })
      .map((content) => reportOf(content)),
  }),
  fc
    .constantFrom<Tape>(
      { reachesArrival: false, reachesLimit: false },
      { reachesArrival: true, reachesLimit: false },
      { reachesArrival: true, reachesLimit: true },
    )
    .map((tape) => ({ what: 'settle' as const, tape })),
)

/** The state that the tables hold, and what became of each report. `waiting`: reports that wait, by id. */
type World = {
  order: Order
  fills: Parameters<typeof foldLegs>[2]
  records: Map<string, ReportRecord>
  waiting: Map<string, Report>
  met: string[]
}

const begin = (): World => ({
  order: newOrder({ quantity: 6n * unit }),
  fills: new Map(),
  records: new Map(),
  waiting: new Map(),
  met: [],
})

const put = (world: World, report: Report, judgement: ReportJudgement<Order>): void => {
  const record = world.records.get(report.reportId) ?? unknown
  world.met.push(judgement.disposition)
  if (judgement.disposition === 'WAITING') world.waiting.set(report.reportId, report)
  if (judgement.disposition === 'CONFLICT' || judgement.disposition === 'MISMATCH')
    world.records.set(report.reportId, { ...record, exceptions: [...record.exceptions, report] })
  else if (judgement.disposition !== 'DUPLICATE') world.records.set(report.reportId, { ...record, report })
  if ('order' in judgement) world.order = judgement.order
}

const happen = (world: World, event: Happening): void => {
  switch (event.what) {
    case 'fill': {
      const leg = legFor(world.order, { tradeId: event.tradeId, quantity: event.quantity })
      const { order, judgements } = foldLegs(world.order, [leg], world.fills, now)
      const [judgement] = judgements
      if ('order' in judgement!)
        world.fills = new Map([...world.fills, [event.tradeId, { ledger: judgement.content, exceptions: [] }]])
      world.order = order!
      break
    }
    case 'report':
      put(
        world,
        event.report,
        judgeReport(world.order, event.report, world.records.get(event.report.reportId) ?? unknown, now),
      )
      break
    case 'settle':
      for (const [id, report] of world.waiting) {
        const settlement = settleReport(world.order, report, event.tape, now)
        if (settlement.disposition === 'WAITING') continue
        world.waiting.delete(id)
        world.met.push(settlement.disposition)
        if ('order' in settlement) world.order = settlement.order
      }
  }
}

describe('whatever happens in whatever order', () => {
  const runs = { numRuns: 2_000 }
  const happenings = fc.array(happening, { maxLength: 25, size: 'max' })

  test('an order ends at most once, keeps its end, and is never over-filled; each change is one version', () => {
    fc.assert(
      fc.property(happenings, (events) => {
        const world = begin()
        for (const event of events) {
          const before = world.order
          happen(world, event)
          const { order } = world
          if (isFinal(before.status)) expect([order.status, order.reason]).toEqual([before.status, before.reason])
          else if (isFinal(order.status) && order.status !== 'FILLED') expect(order.reason!.code).toStartWith('ENGINE_')
          expect(order.filledQuantity <= order.quantity).toBeTrue()
          if (event.what !== 'settle') expect(order.version - before.version).toBeLessThanOrEqual(1)
        }
      }),
      runs,
    )
  })

  test('once the trade topic was applied past the limit, no report waits any more', () => {
    fc.assert(
      fc.property(happenings, (events) => {
        const world = begin()
        for (const event of events) happen(world, event)
        happen(world, { what: 'settle', tape: { reachesArrival: true, reachesLimit: true } })
        expect(world.waiting.size).toBe(0)
      }),
      runs,
    )
  })

  test('a report that comes again changes nothing, whatever came in between', () => {
    fc.assert(
      fc.property(happenings, happenings, (early, late) => {
        const world = begin()
        for (const event of early) happen(world, event)
        const first = early.filter((event) => event.what === 'report')
        for (const event of late) happen(world, event)
        const { order } = world
        const seen = world.met.length
        for (const event of first) happen(world, event)
        expect(world.order).toEqual(order)
        expect(new Set(world.met.slice(seen))).toEqual(new Set(first.length === 0 ? [] : ['DUPLICATE']))
      }),
      runs,
    )
  })

  test('these properties meet every disposition of a report of ours', () => {
    const met = new Set<string>()
    for (const events of fc.sample(happenings, { numRuns: 500, seed: 1 })) {
      const world = begin()
      for (const event of events) happen(world, event)
      for (const disposition of world.met) met.add(disposition)
    }
    const expected = ['APPLIED', 'CONFLICT', 'DUPLICATE', 'INCOMPLETE', 'MISMATCH', 'STALE', 'WAITING']
    expect([...met].toSorted()).toEqual(expected)
  })

  test('fills, and a report that counts them, end the order in the same way in whatever order they come', () => {
    const quantities = fc.array(fc.integer({ min: 1, max: 2 }), { minLength: 0, maxLength: 2 })
    fc.assert(
      fc.property(quantities, fc.nat(), fc.constantFrom('CANCELED' as const, 'EXPIRED' as const), (all, at, kind) => {
        const cumulativeQuantity = BigInt(all.reduce((sum, n) => sum + n, 0)) * unit
        const events: Happening[] = all.map((n, i) => ({ what: 'fill', tradeId: `T-${i}`, quantity: BigInt(n) * unit }))
        events.splice(at % (events.length + 1), 0, { what: 'report', report: reportOf({ kind, cumulativeQuantity }) })
        const world = begin()
        for (const event of events) {
          happen(world, event)
          happen(world, { what: 'settle', tape: { reachesArrival: true, reachesLimit: false } })
        }
        expect(world.order).toMatchObject({ status: kind, filledQuantity: cumulativeQuantity, version: all.length + 1 })
        expect(world.met.at(-1)).toBe('APPLIED')
      }),
      runs,
    )
  })

  test('however reports are cut into batches, the judgements and the order are the same', () => {
    const reports = fc.array(
      happening.filter((event) => event.what === 'report').map(({ report }) => report),
      { maxLength: 12 },
    )
    fc.assert(
      fc.property(reports, fc.nat(12), (all, cut) => {
        const whole = foldReports(newOrder(), all, new Map(), now)
        const world = { ...begin(), order: newOrder() }
        const pieces = [all.slice(0, cut), all.slice(cut)].flatMap((piece) => {
          const { judgements } = foldReports(world.order, piece, world.records, now)
          judgements.forEach((judgement, i) => put(world, piece[i]!, judgement))
          return judgements
        })
        expect(pieces).toEqual(whole.judgements)
        expect(world.order).toEqual(whole.order!)
      }),
      runs,
    )
  })
})
