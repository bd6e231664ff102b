// Proves: the checker finds every kind of violation in the log of the service and in what stream clients saw, in a world with that one
// corruption; and it lets pass what streams may do.

import { describe, expect, test } from 'bun:test'
import { JsonNumber } from './checker/amounts.ts'
import { check } from './checker/check.ts'
import type { LogViolationKind, StreamLine, ViolationKind } from './checker/evidence.ts'
import { ids, sample, timeAt, type Sample } from './checker/sample.ts'

type Name = 'everything' | 'user' | 'poll' | 'order'
type Document = { event: Record<string, unknown>; order: Record<string, unknown> }

const kindsIn = (world: Sample): ViolationKind[] => [...new Set(check(world).violations.map(({ kind }) => kind))]
const order = ({ orders }: Sample, id: string) => orders.find((each) => each.id === id)!
const linesOf = ({ streams }: Sample, name: Name): StreamLine[] =>
  streams.find(({ client }) => client === name)!.lines as StreamLine[]
const documentOf = (line: StreamLine): Document | null =>
  'event' in line && line.event === 'order' ? (line.data as Document) : null
/** Where the n-th line with this version of this order stands. */
const placeOf = (world: Sample, name: Name, id: string, version: number): number =>
  linesOf(world, name).findIndex((line) => {
    const event = documentOf(line)?.event
    return event?.['orderId'] === id && (event['version'] as JsonNumber).source === String(version)
  })
const change = (
  world: Sample,
  name: Name,
  [id, version]: readonly [string, number],
  edit: (it: Document) => void,
): void => edit(documentOf(linesOf(world, name)[placeOf(world, name, id, version)]!)!)
const leaveOut = (world: Sample, name: Name, id: string, version: number): void =>
  void linesOf(world, name).splice(placeOf(world, name, id, version), 1)
const swap = (lines: StreamLine[], a: number, b: number): void => void ([lines[a], lines[b]] = [lines[b]!, lines[a]!])
const edits = {
  event: (name: string, value: unknown) => (it: Document) => (it.event[name] = value),
  order: (name: string, value: unknown) => (it: Document) => (it.order[name] = value),
}
const contentStory = (edit: (it: Document) => void) => (world: Sample) =>
  change(world, 'everything', [ids.buy, 2], edit)
const insert = (world: Sample, name: Name, at: number, line: StreamLine): void =>
  void linesOf(world, name).splice(at, 0, line)

type Stories = Record<string, (world: Sample) => void>

const logCorruptions = {
  LOG_VERSION_GAP: {
    'a change without a row': (world) => (world.changes = []),
    'two rows of one version': (world) => (world.ledger[3]!.version = 1),
    'a version of the order that no row has': (world) => order(world, ids.buy).version++,
    'a change of no order': (world) => world.changes.push({ ...world.changes[0]!, orderId: ids.stranger }),
  },
  LOG_POSITION: {
    'a fill before its order': (world) => (world.ledger[0]!.position = 0n),
    'versions the other way round': (world) => {
      world.ledger[0]!.position = 7n
      world.ledger[2]!.position = 5n
    },
    'one position for two rows': (world) => (order(world, ids.sell).position = 1n),
  },
  LOG_AMOUNT_DIFFERS: {
    'a cumulative quantity': (world) => (world.ledger[2]!.cumulativeQuantity! -= 1n),
    'a cumulative notional': (world) => (world.ledger[2]!.cumulativeNotional! += 1n),
    'no cumulative quantity': (world) => (world.ledger[0]!.cumulativeQuantity = null),
    'a cancel that counts the late fill': (world) => (world.changes[0]!.filled = 100_000_000n),
    'a cancel with a last price': (world) => (world.changes[0]!.lastPrice = 1n),
    'the order itself': (world) => (order(world, ids.sell).filled += 1n),
  },
  LOG_STATUS_DIFFERS: {
    'an order that its log has not ended': (world) => (order(world, ids.sell).status = 'FILLED'),
    'an end that nobody asked for': (world) => (world.changes[0]!.kind = 'EXPIRED'),
    'a cancel after it was FILLED': (world) => {
      order(world, ids.canceled).quantity = 100_000_000n
      world.changes[0]!.version = 2
      Object.assign(world.ledger[3]!, { version: 1, late: false })
    },
  },
  LOG_REASON_DIFFERS: {
    'another reason in the log': (world) => (world.changes[0]!.reasonCode = 'UNKNOWN'),
    'no reason at the order': (world) => (order(world, ids.canceled).reasonCode = null),
    'a reason of an open order': (world) => (order(world, ids.sell).reasonCode = 'USER_CANCELED'),
  },
  LOG_CAUSE_DIFFERS: {
    'a cancel by a request that nobody sent': (world) =>
      (world.changes[0]!.cause = { kind: 'request', requestId: 'chaos-99' }),
    'a cancel by a request that did something else': (world) =>
      (world.changes[0]!.cause = { kind: 'request', requestId: 'chaos-8' }),
    'a cancel without a request': (world) => (world.changes[0]!.cause = { kind: 'request' }),
    'an acceptance by a request that was refused': (world) => (order(world, ids.sell).requestId = 'chaos-4'),
    'an acceptance by the repetition of its request': (world) => {
      world.log.splice(6, 0, { ...world.log[4]!, sent: 20 } as never, {
        answer: 20,
        at: timeAt(20),
        status: 202,
        orderId: ids.sell,
        replayed: true,
      })
      order(world, ids.sell).requestId = 'chaos-20'
    },
    'an acceptance without a request': (world) => (order(world, ids.sell).requestId = null),
  },
  LOG_TIME_DIFFERS: {
    'a fill before the acceptance': (world) => (world.ledger[0]!.at = timeAt(0)),
    'an order changed when nothing happened': (world) => (order(world, ids.sell).updatedAt = timeAt(9)),
  },
} satisfies Partial<Record<LogViolationKind, Stories>>

const streamCorruptions = {
  STREAM_GAP: {
    'a version left out': (world) => leaveOut(world, 'everything', ids.buy, 1),
    'a version left out before a resumption': (world) => {
      leaveOut(world, 'everything', ids.canceled, 1)
      leaveOut(world, 'everything', ids.canceled, 1)
    },
    'the acceptance left out': (world) => leaveOut(world, 'user', ids.sell, 0),
    'versions the other way round': (world) => {
      const [a, b] = [placeOf(world, 'everything', ids.buy, 1), placeOf(world, 'everything', ids.buy, 2)]
      swap(linesOf(world, 'everything'), a, b)
    },
    'an open order that the snapshot lacks': (world) => void linesOf(world, 'everything').splice(2, 1),
  },
  STREAM_MISSING: {
    'the last version': (world) => leaveOut(world, 'everything', ids.canceled, 2),
    'all of an order': (world) => {
      leaveOut(world, 'user', ids.sell, 0)
      leaveOut(world, 'user', ids.sell, 1)
    },
    'the last page of polling': (world) => void linesOf(world, 'poll').splice(-2, 1),
    'all of an order before polling saw it': (world) => {
      const [, , page] = linesOf(world, 'poll')
      Object.assign(page!, { at: timeAt(0) })
    },
    'a late fill of the one order': (world) => leaveOut(world, 'order', ids.canceled, 2),
  },
  STREAM_FROM_NOWHERE: {
    'a version that the log lacks': contentStory(edits.event('version', new JsonNumber('3'))),
    'an order that is not there': contentStory(edits.event('orderId', ids.stranger)),
    'an order of another user': (world) =>
      insert(world, 'user', 3, linesOf(world, 'everything')[placeOf(world, 'everything', ids.canceled, 0)]!),
    'no JSON': (world) => insert(world, 'user', 3, { event: 'order', data: '{"event":', at: timeAt(9) }),
  },
  STREAM_CONTENT_DIFFERS: {
    'another kind': contentStory(edits.event('kind', 'CANCELED')),
    'another time': contentStory(edits.event('at', '2026-01-02T03:04:05.000Z')),
    'another status': contentStory(edits.event('status', 'PARTIALLY_FILLED')),
    'another amount': contentStory(edits.event('filledQuantity', new JsonNumber('9.99999999'))),
    'an amount as text': contentStory(edits.event('remainingQuantity', '0')),
    'no fill': contentStory((it) => delete it.event['fill']),
    'a fill that is not late': contentStory(
      ({ event }) => void ((event['fill'] as Record<string, unknown>)['late'] = true),
    ),
    'a reason of a fill': contentStory(edits.event('reason', { code: 'USER_CANCELED', text: null })),
    'no reason of a cancel': (world) =>
      change(world, 'everything', [ids.canceled, 1], ({ event }) => delete event['reason']),
    'another cause': contentStory(({ event }) => void ((event['cause'] as Record<string, unknown>)['offset'] = '6')),
    'a cause that says more': contentStory(
      ({ event }) => void ((event['cause'] as Record<string, unknown>)['subject'] = 'x'),
    ),
    'an order as of another version': contentStory(edits.order('version', new JsonNumber('1'))),
    'an order of another user': contentStory(edits.order('userId', 'nobody')),
    'another average': contentStory(edits.order('averageFillPrice', new JsonNumber('1.50000001'))),
    'no order': contentStory((it) => delete (it as Partial<Document>).order),
  },
  STREAM_ORDER: {
    'B before A, though A was answered before B was sent': (world) => {
      const lines = linesOf(world, 'everything')
      swap(lines, placeOf(world, 'everything', ids.sell, 0), placeOf(world, 'everything', ids.canceled, 0))
    },
  },
  STREAM_SNAPSHOT_DIFFERS: {
    'an order of another amount': (world) => {
      const [, , line] = linesOf(world, 'everything') as { data: { orders: Record<string, unknown>[] } }[]
      line!.data.orders[0]!['quantity'] = new JsonNumber('11')
    },
    'an order that had ended': (world) => {
      const ended = documentOf(linesOf(world, 'everything')[placeOf(world, 'everything', ids.canceled, 1)]!)!
      insert(world, 'order', 2, { event: 'snapshot', data: { orders: [ended.order] }, at: timeAt(6) })
    },
    'an order that is not asked for': (world) => insert(world, 'user', 2, linesOf(world, 'everything')[2]!),
    'an order that is not there': (world) =>
      insert(world, 'user', 2, {
        event: 'snapshot',
        data: { orders: [{ id: ids.stranger, version: new JsonNumber('0') }] },
        at: timeAt(1),
      }),
  },
  STREAM_RESET: {
    'a reset of the stream': (world) => {
      const lines = linesOf(world, 'everything')
      lines.splice(7, 0, { event: 'reset', data: { reason: 'OTHER_DATABASE' }, at: timeAt(4) }, lines[2]!, lines[3]!)
    },
    'a cursor that is no good any more': (world) => insert(world, 'poll', 4, { refused: 410, code: 'CURSOR_EXPIRED' }),
  },
  STREAM_LAGGING: {
    'a client that reads is cut off': (world) =>
      insert(world, 'user', 4, { event: 'lagging', data: {}, at: timeAt(3) }),
  },
  STREAM_UNLAWFUL: {
    'a change before it is live': (world) => void linesOf(world, 'user').splice(2, 1),
    'a snapshot after it is live': (world) => swap(linesOf(world, 'everything'), 2, 3),
    'an event of no kind': (world) => insert(world, 'user', 4, { event: 'message', data: {}, at: timeAt(3) }),
    'a page without a cursor': (world) => insert(world, 'poll', 4, { page: { events: [] }, at: timeAt(6) }),
    'events before polling began': (world) => swap(linesOf(world, 'poll'), 2, 4),
    'a refusal of a lawful request': (world) => insert(world, 'user', 1, { refused: 400, code: 'INVALID' }),
    'bytes that are no HTTP': (world) => insert(world, 'user', 1, { nonsense: 'no status line' }),
  },
  STREAM_NOT_DRAINED: {
    'a client that did not come to the end': (world) => void linesOf(world, 'user').pop(),
    'a client that never was live': (world) => void linesOf(world, 'user').splice(2, 3),
  },
} satisfies Partial<Record<LogViolationKind, Stories>>

const corruptions: Record<LogViolationKind, Stories> = { ...logCorruptions, ...streamCorruptions }

for (const [kind, stories] of Object.entries(corruptions))
  describe(`names ${kind}`, () => {
    for (const [story, corrupt] of Object.entries(stories))
      test(story, () => {
        const world = sample()
        corrupt(world)
        expect(kindsIn(world)).toContain(kind as ViolationKind)
      })
  })

describe('does not cry wolf', () => {
  test('what was seen is counted', () => {
    expect(check(sample()).counts.streams).toEqual({
      clients: 4,
      connections: 6,
      resumptions: 2,
      pages: 3,
      snapshots: 3,
      snapshotOrders: 1,
      events: 15,
      repeats: 1,
      resets: 0,
      lagging: 0,
      refusals: 1,
    })
  })

  test('a client that reads slowly may be cut off', () => {
    const world = sample()
    const lines = linesOf(world, 'user')
    lines[1] = { connect: 'stream', cursor: null, slow: true }
    lines.splice(4, 0, { event: 'lagging', data: {}, at: timeAt(3) }, { connect: 'stream', cursor: 'c2', slow: false })
    expect(kindsIn(world)).toEqual([])
  })

  test('events may come again, in their order', () => {
    const world = sample()
    const lines = linesOf(world, 'everything')
    lines.splice(-1, 0, ...lines.filter((line) => documentOf(line) !== null))
    expect(kindsIn(world)).toEqual([])
  })

  test('a client may forget all and follow something else; what it left out before is nobody’s loss', () => {
    const world = sample()
    const lines = linesOf(world, 'everything')
    lines.unshift({ follow: { ticker: 'AAPL' } }, ...lines.slice(1, 4))
    expect(kindsIn(world)).toEqual([])
  })

  test('an order that ends while the snapshot is read may be in no page of it', () => {
    const world = sample()
    const lines = linesOf(world, 'everything')
    lines.splice(
      2,
      2,
      { event: 'snapshot', data: { orders: [] }, at: timeAt(7) },
      { event: 'live', data: {}, at: timeAt(7) },
    )
    for (const [id, version] of [
      [ids.sell, 0],
      [ids.canceled, 0],
      [ids.canceled, 1],
      [ids.buy, 1],
    ] as const)
      leaveOut(world, 'everything', id, version)
    leaveOut(world, 'everything', ids.canceled, 1)
    leaveOut(world, 'everything', ids.sell, 1)
    linesOf(world, 'everything')[2] = {
      event: 'snapshot',
      data: { orders: [documentOf(linesOf(sample(), 'user')[4]!)!.order] },
      at: timeAt(7),
    }
    expect(kindsIn(world)).toEqual([])
  })
})
