// Proves: the checker finds nothing in a world with longer lives where everything is right, and finds every kind of violation of stops, ends by
// the clock and reports in a world with that one corruption.

import { describe, expect, test } from 'bun:test'
import { check } from './checker/check.ts'
import type { LifeViolationKind, ViolationKind } from './checker/evidence.ts'
import { readHistories } from './checker/history.ts'
import { checkLives } from './checker/lives.ts'
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

/** A late fill of this order, by a trade that was appended then. */
const fillLate = (world: Sample, orderId: string, appendedAt: number): void => {
  const last = world.trades.at(-1)!
  world.trades.push({ ...last, offset: 9, appendedAt })
  const content = { side: 'BUY', ticker: 'AAPL', quantity: 100_000_000n, price: 150_000_000n }
  world.ledger.push({
    ...content,
    orderId,
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
}

const cause = ({ reports }: Sample, offset: string) => ({
  kind: 'report',
  topic: 'reports',
  partition: reports[0]!.partition,
  offset,
})
/** Changes the report on the topic, and its row. */
const edit = (world: Sample, members: Record<string, unknown>, row: Partial<Sample['reportRows'][number]>): void => {
  const [sent] = world.reports
  const value = JSON.parse(new TextDecoder().decode(sent!.bytes!)) as Record<string, unknown>
  sent!.bytes = new TextEncoder().encode(JSON.stringify({ ...value, ...members }))
  Object.assign(world.reportRows[0]!, row)
}
/** Keeps the report as an exception. */
const keep = (world: Sample, disposition: string): void =>
  void world.reportExceptions.push({ ...world.reportRows[0]!, disposition, message: world.reports[0]!.bytes! })

/** Corruptions by the kind of violation that the checker must find. It may find other kinds too. */
const corruptions: Record<LifeViolationKind, Record<string, (world: Sample) => void>> = {
  STOP_TRIGGERED_WRONGLY: {
    'by a trade below its price': (world) => trade(world, { price: 0.5 }),
    'by a trade of another ticker': (world) => trade(world, { ticker: 'MSFT' }),
    'by a trade that is older than the stop': (world) => trade(world, { timestamp: '2026-01-02T03:04:10Z' }),
    'by a trade that is not there': (world) =>
      (change(world, 'TRIGGERED').cause = { kind: 'trigger', topic: 'trades', partition: 0, offset: '99' }),
    'by a place whose offset is a number': (world) => {
      const triggered = change(world, 'TRIGGERED')
      triggered.cause = { ...triggered.cause, offset: 8 }
    },
    'by a place whose partition is a text': (world) => {
      const triggered = change(world, 'TRIGGERED')
      triggered.cause = { ...triggered.cause, partition: String(triggered.cause['partition']) }
    },
    'after its end': (world) => (change(world, 'TRIGGERED').at = timeAt(41)),
    'without a row of the log': (world) => (order(world, lives.waiting).triggeredAt = timeAt(31)),
  },
  STOP_NOT_TRIGGERED: {
    'though a trade met its price': (world) => {
      order(world, lives.waiting).side = 'BUY'
      world.trades.at(-1)!.appendedAt = timeAt(30)
    },
    'though a trade met its price, and the clock of the broker stepped back behind it': (world) => {
      order(world, lives.waiting).side = 'BUY'
      const last = world.trades.at(-1)!
      for (let i = 1; i <= 20; i++) world.trades.push({ ...last, offset: last.offset + i, appendedAt: timeAt(2) })
    },
    'before a later trade did': (world) => {
      const { partition } = world.trades[0]!
      world.trades.push({ ...world.trades.at(-1)!, offset: 9 })
      change(world, 'TRIGGERED').cause = { kind: 'trigger', topic: 'trades', partition, offset: '9' }
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
    'a trade that came a second after the cancellation': (world) => fillLate(world, lives.stop, timeAt(42)),
  },
  REPORT_WITHOUT_DISPOSITION: {
    'no row': (world) => (world.reportRows = []),
    'a row for a report of other content': (world) => (world.reportRows[0]!.cumulative = 1n),
    'a letter for a report of an order that is there': (world) =>
      world.reportLetters.push({
        ...world.reports[0]!,
        headers: { 'x-dead-letter-id': `reports-${world.reports[0]!.partition}-0` },
      }),
    'no letter for a report that is no JSON': (world) => (world.reports[0]!.bytes = new Uint8Array([0x7b])),
    'no exception for one that is incomplete': (world) => (world.reportRows[0]!.state = 'INCOMPLETE'),
  },
  REPORT_DIFFERS: {
    'it waits': (world) => (world.reportRows[0]!.state = 'WAITING'),
    'it is applied, and the order ended otherwise': (world) => edit(world, { kind: 'EXPIRED' }, { kind: 'EXPIRED' }),
    'it is applied, and another report ended the order': (world) => (world.changes.at(-1)!.cause = cause(world, '7')),
    'it is applied before the fills that it counts': (world) =>
      edit(world, { cumulativeQuantity: 1 }, { cumulative: 100_000_000n }),
    'it is applied, and a fill that stood before it came late': (world) => {
      edit(world, { cumulativeQuantity: undefined }, { cumulative: null })
      fillLate(world, lives.ended, timeAt(24))
    },
    'it is applied to an order that was never published': (world) =>
      (world.placed = world.placed.filter(({ value }) => !value!.includes(lives.ended))),
    'it is incomplete too early': (world) => {
      edit(world, { cumulativeQuantity: 1 }, { cumulative: 100_000_000n, state: 'INCOMPLETE' })
      keep(world, 'INCOMPLETE')
    },
    'it is stale, and the order is open': (world) => {
      edit(world, { orderId: lives.waiting }, { orderId: lives.waiting, state: 'STALE' })
    },
    'two reports are applied': (world) => {
      world.reports.push({ ...world.reports[0]!, offset: 1 })
      world.reportRows.push({ ...world.reportRows[0]!, reportId: 'R2', offset: 1 })
    },
    'it is a mismatch that nothing contradicts': (world) => keep(world, 'MISMATCH'),
    'it is a conflict with itself': (world) => keep(world, 'CONFLICT'),
    'its exception has other bytes': (world) => {
      edit(world, { ticker: 'MSFT' }, { ticker: 'MSFT' })
      keep(world, 'MISMATCH')
      world.reportExceptions[0]!.message = new Uint8Array([1])
    },
    'its dead letter says something else': (world) => {
      const bytes = new Uint8Array([0x7b])
      const { partition } = world.reports[0]!
      world.reports.push({ partition, offset: 1, bytes, appendedAt: timeAt(25) })
      const headers = { 'x-dead-letter-id': `reports-${partition}-1`, 'x-disposition': 'UNKNOWN_ORDER' }
      world.reportLetters.push({ partition, offset: 0, bytes, headers })
    },
  },
  STUCK_ENDINGS: { 'an end waits': (world) => (world.rest = { ...world.rest, endings: 1 }) },
}

/** A trade of the triggered stop at this place, which the service kept as a mismatch. */
const strike = (world: Sample, offset: number, appendedAt: number): void => {
  const { partition } = world.trades[0]!
  if (offset < 8) {
    world.trades = world.trades.filter((each) => each.offset !== offset)
    world.exceptions = world.exceptions.filter((each) => each.offset !== offset)
  }
  const value = {
    tradeId: 'T11',
    orderId: lives.stop,
    ticker: 'AAPL',
    price: 1.5,
    quantity: 1,
    timestamp: '2026-01-02T03:04:10Z',
  }
  const message = new TextEncoder().encode(JSON.stringify(value))
  world.trades.push({ partition, offset, appendedAt, bytes: message })
  const content = { side: 'BUY', ticker: 'AAPL', quantity: 100_000_000n, price: 150_000_000n }
  world.exceptions.push({
    ...content,
    disposition: 'MISMATCH',
    orderId: lives.stop,
    tradeId: 'T11',
    partition,
    offset,
    message,
  })
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

describe('does not cry wolf', () => {
  test('a fill of a stop that waits is a mismatch', () => {
    const world = sampleLives()
    strike(world, 3, timeAt(31))
    expect(kindsIn(world)).toEqual([])
  })
  test('and so may be one that was on the topic before the stop was published', () => {
    const world = sampleLives()
    strike(world, 9, timeAt(31))
    expect(kindsIn(world)).toEqual([])
  })
  test('a stop goes on waiting if trading was halted when its trade was applied, however late that was', () => {
    const world = sampleLives()
    corruptions.STOP_NOT_TRIGGERED['though a trade met its price']!(world)
    const last = world.trades.at(-1)!
    const [since, until] = [timeAt(200), timeAt(202)]
    const halt = { ticker: null, answeredAt: since, endedAt: until, since, until, from: 2n, to: 3n }
    const missed = (): string[] => {
      const found: string[] = []
      checkLives(readHistories(world), { evidence: world, halts: [halt] }, (kind) => found.push(kind))
      return found.filter((kind) => kind === 'STOP_NOT_TRIGGERED')
    }
    expect(missed()).toHaveLength(1)
    fillLate(world, lives.stop, timeAt(31))
    const apply = (offset: number) => Object.assign(world.ledger.at(-1)!, { offset, at: timeAt(190) })
    apply(last.offset)
    expect(missed()).toEqual([])
    // The last trade that may be of the same batch, and the first that is not.
    apply(last.offset + 500)
    expect(missed()).toEqual([])
    apply(last.offset + 501)
    expect(missed()).toHaveLength(1)
  })
  test('a trade that was appended before the stop was known need not trigger it, though one that stands before it came later', () => {
    const world = sampleLives()
    order(world, lives.waiting).side = 'BUY'
    world.trades.push({ ...world.trades.at(-1)!, offset: 9, appendedAt: timeAt(2) })
    const [met] = world.trades.splice(-1)
    trade(world, { price: 0.5 })
    world.trades.push(met!)
    expect(kindsIn(world)).not.toContain('STOP_NOT_TRIGGERED')
  })
  test('nor need a trade of the millisecond in which the halt ended trigger it', () => {
    const world = sampleLives()
    corruptions.STOP_NOT_TRIGGERED['though a trade met its price']!(world)
    const made = world.trades
      .map(({ appendedAt }) => appendedAt)
      .toSorted((a, b) => a - b)
      .at(-1)!
    const missed = (until: number): string[] => {
      const halt = { ticker: null, answeredAt: 0, endedAt: until, since: timeAt(1), until, from: 2n, to: 3n }
      const found: string[] = []
      checkLives(readHistories(world), { evidence: world, halts: [halt] }, (kind) => found.push(kind))
      return found.filter((kind) => kind === 'STOP_NOT_TRIGGERED')
    }
    expect(missed(made)).toEqual([])
    expect(missed(timeAt(2))).toHaveLength(1)
  })
  test('but not one that came later', () => {
    const world = sampleLives()
    strike(world, 9, timeAt(33))
    expect(kindsIn(world)).toContain('LEG_WITHOUT_DISPOSITION')
  })
})
