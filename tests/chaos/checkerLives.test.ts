// Proves: the checker finds nothing in a world with longer lives where everything is right, and finds every kind of violation of stops, ends by
// the clock and reports in a world with that one corruption.

import { describe, expect, test } from 'bun:test'
import { check } from './checker/check.ts'
import type { LifeViolationKind, ViolationKind } from './checker/evidence.ts'
import { timeAt, type Sample } from './checker/sample.ts'
import { lives, sampleLives } from './checker/sampleLives.ts'

const kindsIn = (evidence: Sample): ViolationKind[] => [...new Set(check(evidence).violations.map(({ kind }) => kind))]
const order = ({ orders }: Sample, id: string) => orders.find((each) => each.id === id)!
const change = ({ changes }: Sample, kind: string) => changes.find((each) => each.kind === kind)!
const trade = (world: Sample, members: Record<string, unknown>): void => {
  const last = world.trades.at(-1)!
  const value = JSON.parse(new TextDecoder().decode(last.bytes!)) as Record<string, unknown>
  last.bytes = new TextEncoder().encode(JSON.stringify({ ...value, ...members }))
  world.letters.at(-1)!.bytes = last.bytes
}

/** Corruptions by the kind of violation that the checker must find. It may find other kinds too. */
const corruptions: Record<LifeViolationKind, Record<string, (world: Sample) => void>> = {
  STOP_TRIGGERED_WRONGLY: {
    'by a trade below its price': (world) => trade(world, { price: 0.5 }),
    'by a trade of another ticker': (world) => trade(world, { ticker: 'MSFT' }),
    'by a trade that is older than the stop': (world) => trade(world, { timestamp: '2026-01-02T03:04:10Z' }),
    'by a trade that is not there': (world) =>
      (change(world, 'TRIGGERED').cause = { kind: 'trigger', topic: 'trades', partition: 0, offset: '99' }),
    'after its end': (world) => (change(world, 'TRIGGERED').at = timeAt(41)),
    'without a row of the log': (world) => (order(world, lives.waiting).triggeredAt = timeAt(31)),
  },
  STOP_NOT_TRIGGERED: {
    'though a trade met its price': (world) => {
      order(world, lives.waiting).side = 'BUY'
      world.trades.at(-1)!.appendedAt = timeAt(21) + 61_000
    },
  },
  STOP_PUBLISHED_EARLY: {
    'before its trigger': (world) => (world.placed.at(-1)!.appendedAt = timeAt(30)),
  },
  EXPIRED_EARLY: {
    'the engine was told before the end': (world) => (world.cancelled.at(-1)!.appendedAt = timeAt(39)),
    'the order ended before its end': (world) => (change(world, 'EXPIRED').at = timeAt(39)),
  },
  LATE_WHILE_SETTLING: {
    'a trade that came a second after the cancellation': (world) => {
      const at = timeAt(42)
      const last = world.trades.at(-1)!
      world.trades.push({ ...last, offset: 9, appendedAt: at })
      const content = { side: 'BUY', ticker: 'AAPL', quantity: 100_000_000n, price: 150_000_000n }
      world.ledger.push({
        ...content,
        orderId: lives.stop,
        tradeId: 'T10',
        late: true,
        version: 3,
        partition: last.partition,
        offset: 9,
        cumulativeQuantity: content.quantity,
        cumulativeNotional: content.quantity * content.price,
        at: timeAt(50),
        position: 50n,
      })
    },
  },
  REPORT_WITHOUT_DISPOSITION: {
    'no row': (world) => (world.reportRows = []),
    'a letter for a report of an order that is there': (world) =>
      world.reportLetters.push({
        ...world.reports[0]!,
        headers: { 'x-dead-letter-id': `reports-${world.reports[0]!.partition}-0` },
      }),
    'no letter for a report that is no JSON': (world) => (world.reports[0]!.bytes = new Uint8Array([0x7b])),
  },
  REPORT_DIFFERS: {
    'it waits': (world) => (world.reportRows[0]!.state = 'WAITING'),
    'it is applied, and the order ended otherwise': (world) => (world.reportRows[0]!.kind = 'EXPIRED'),
  },
  STUCK_ENDINGS: { 'an end waits': (world) => (world.rest = { ...world.rest, endings: 1 }) },
}

test('a right world has no violation', () => {
  expect(check(sampleLives()).violations).toEqual([])
})

describe('the checker finds', () => {
  for (const [kind, cases] of Object.entries(corruptions))
    for (const [what, corrupt] of Object.entries(cases))
      test(`${kind}: ${what}`, () => {
        const world = sampleLives()
        corrupt(world)
        expect(kindsIn(world)).toContain(kind as ViolationKind)
      })
})
