// Proves: `verify --topics` says what order.event.v1 has too much, too little, in another order or in other words than the log, and takes
// nothing for a fault that is none: repeats, what retention deleted, what waits, what older versions did not write.

import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { applyTrades } from '../../src/app/fill.ts'
import type { TopicReader, TopicRecord } from '../../src/kafka/topicReader.ts'
import { openSession } from '../../src/store/sql.ts'
import { verifyLogEvents } from '../../src/verify/logEvents.ts'
import { createLogTable } from '../../src/verify/logEventsSql.ts'
import { beReader } from '../../src/verify/tablesSql.ts'
import type { Violation } from '../../src/verify/violation.ts'
import { createPublisherWorld, type PublisherWorld, type Sent } from '../publisher/world.ts'
import { aTrade, newId } from '../support/builders.ts'
import { becomeCopy } from '../support/logicalCopy.ts'
import { until } from '../support/until.ts'

const topic = 'order.event.v1'
const partitions = 3
let world: PublisherWorld
/** What the publisher sent. `a` was placed and filled three times; `b` was placed and canceled; `c` was placed. */
let sent: readonly Sent[]
let [a, b, c]: string[] = []

const fill = (id: string, quantity: string) =>
  applyTrades(world.db, [aTrade({ order: id, ticker: 'A', quantity })], {
    now: () => new Date(),
    newId,
    signal: new AbortController().signal,
    onRetry: () => undefined,
  })

beforeAll(async () => {
  world = await createPublisherWorld()
  const { stop } = await world.begin()
  ;[a, b, c] = await world.place('A', 'B', 'C')
  await fill(a!, '10.5')
  await fill(a!, '0.00000001')
  await fill(a!, '1')
  await world.cancel(b!)
  await world.has([`${a}.3`, `${b}.1`, `${c}.0`])
  await until(async () => Number((await world.sql`select max(number) as n from event_publication`)[0]!['n']) > 1, {
    what: 'the place is kept',
  })
  await stop()
  sent = [...world.topic.sent]
})
afterAll(() => world.stop())

/** `start`: what retention deleted of a partition. The first record was published long ago. */
type Topic = { messages: readonly Sent[]; start?: Record<number, number>; publishedAtMs?: number }

const readerOf = ({ messages, start = {}, publishedAtMs = 0 }: Topic): TopicReader => {
  const records = messages.map(({ partition, ticker, eventId, value }, i): TopicRecord => {
    const offset = BigInt(messages.slice(0, i).filter((other) => other.partition === partition).length)
    const headers = [[Buffer.from('eventId'), Buffer.from(eventId)]] as const
    const [key, text] = [Buffer.from(ticker), Buffer.from(value)]
    return { topic, partition, offset, publishedAtMs, key, value: text, headers }
  })
  const startOf = (partition: number): bigint => BigInt(start[partition] ?? 0)
  return {
    spans: async () =>
      Array.from({ length: partitions }, (_, n) => ({
        start: startOf(n),
        end: BigInt(records.filter(({ partition }) => partition === n).length),
      })),
    read: async (_topic, _spans, onRecords) =>
      onRecords(records.filter(({ partition, offset }) => offset >= startOf(partition))),
    committed: () => Promise.reject(new Error('nobody asks for it')),
    close: () => Promise.resolve(),
  }
}

// Nobody asks for these: there is no broker here.
const kafka = { bootstrapServers: [], clientId: 'none', requestTimeoutMs: 1 }
const others = { trades: '', deadLetters: '', reports: null, reportLetters: null }
const topics = { events: { PLACED: '', CANCELLED: '' }, orderEvents: topic, ...others }

const verify = async (what: Topic) => {
  const sql = openSession(world.database.target, 10_000)
  const violations: Violation[] = []
  const notes: string[] = []
  try {
    await createLogTable(sql)
    await beReader(sql)
    await verifyLogEvents(sql, readerOf(what), {
      kafka,
      group: 'none',
      reportGroup: 'reports',
      topics,
      unknownToDeadLetters: false,
      slackMs: 0,
      reporter: {
        onViolations: async (found) => void violations.push(...found),
        onNote: async (note) => void notes.push(note),
        onProgress: () => undefined,
      },
    })
  } finally {
    await sql.end({ timeout: 1 })
  }
  return { violations: violations.map(({ subject, id, ...rest }) => [subject, id, ...Object.values(rest)]), notes }
}

const sorted = <T>(rows: readonly T[]): T[] =>
  rows.toSorted((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1))

const without = (...ids: string[]): Sent[] => sent.filter(({ eventId }) => !ids.includes(eventId))
const named = (id: string): Sent => sent.find(({ eventId }) => eventId === id)!
type Changeable = Record<'event' | 'order', Record<string, unknown> & { fill?: object; cause: { offset?: string } }>
const changed = (id: string, change: (value: Changeable) => void): Sent[] =>
  sent.map((message) => {
    if (message.eventId !== id) return message
    const value = JSON.parse(message.value) as Changeable
    change(value)
    return { ...message, value: JSON.stringify(value) }
  })
/** Where a message stands. */
const at = (messages: readonly Sent[], message: Sent): string => {
  const own = messages.filter(({ partition }) => partition === message.partition)
  return `${topic}-${message.partition}-${own.indexOf(message)}`
}

describe('nothing is wrong with', () => {
  test('what the publisher sent', async () => {
    expect(sent).toHaveLength(7)
    expect(await verify({ messages: sent })).toEqual({
      violations: [],
      notes: [`${topic}: 7 events, 0 of them repeats of an event before them`],
    })
  })

  test('repeats, also of several at once', async () => {
    const messages = [...sent.slice(0, 4), ...sent.slice(1), ...sent]
    expect(await verify({ messages })).toEqual({
      violations: [],
      notes: [`${topic}: 17 events, 10 of them repeats of an event before them`],
    })
  })

  test('a topic whose beginning retention deleted, whatever was sent again behind it', async () => {
    const { partition } = named(`${a}.0`)
    const own = sent.filter((message) => message.partition === partition)
    const others = sent.filter((message) => message.partition !== partition)
    const now = Date.now() + 60_000
    for (let start = 0; start <= own.length; start++)
      expect((await verify({ messages: sent, start: { [partition]: start }, publishedAtMs: now })).violations).toEqual(
        [],
      )
    // The third of four, then the second and all after it once more.
    const again = [...own.slice(0, 3), ...own.slice(1), ...others]
    expect((await verify({ messages: again, start: { [partition]: 2 }, publishedAtMs: now })).violations).toEqual([])
  })

  test('a topic that has nothing yet', async () => {
    expect((await verify({ messages: [] })).violations).toEqual([])
  })

  test('what happened before the oldest record was published, which may have been before the topic was set', async () => {
    expect((await verify({ messages: [named(`${c}.0`)], publishedAtMs: Date.now() + 60_000 })).violations).toEqual([])
  })

  test('members that 1.3 did not write, members of a newer version, and numbers in another notation', async () => {
    const messages = changed(`${b}.1`, ({ event, order }) => {
      for (const name of ['reason', 'triggeredAt', 'stopPrice', 'displayQuantity', 'postOnly', 'expiresAt'])
        delete order[name]
      event.venue = 'X'
    }).map((message) => ({ ...message, value: message.value.replace('10.50000001', '1050000001e-8') }))
    expect(messages.filter(({ value }) => value.includes('1050000001e-8'))).toHaveLength(1)
    expect((await verify({ messages })).violations).toEqual([])
  })
})

describe('each fault is named:', () => {
  test('other content', async () => {
    const messages = changed(`${a}.1`, ({ event, order }) => {
      event.filledQuantity = 11
      Object.assign(event.fill!, { tradeId: 'another' })
      order.price = null
      delete event.cause.offset
    })
    const id = at(
      messages,
      messages.find(({ eventId }) => eventId === `${a}.1`)!,
    )
    const { violations } = await verify({ messages })
    expect(sorted(violations.map(([subject, where, rule, , found]) => [subject, where, rule, found]))).toEqual([
      ['event', id, 'event.cause.offset', null],
      ['event', id, 'event.fill.tradeId', 'another'],
      ['event', id, 'event.filledQuantity', '11'],
      ['event', id, 'order.price', null],
    ])
    expect(violations.find(([, , rule]) => rule === 'event.filledQuantity')![3]).toBe('10.5')
  })

  test('more than the log says', async () => {
    const messages = changed(`${c}.0`, ({ event, order }) => {
      event.reason = { code: 'USER_CANCELED', text: null }
      order.lastFillPrice = 1
    })
    const { violations } = await verify({ messages })
    expect(sorted(violations.map(([, , ...rest]) => rest))).toEqual([
      ['event.reason.code', null, 'USER_CANCELED'],
      ['order.lastFillPrice', null, '1'],
    ])
  })

  test('another key', async () => {
    const messages = sent.map((message) => (message.eventId === `${c}.0` ? { ...message, ticker: 'D' } : message))
    expect((await verify({ messages })).violations.map(([, , ...rest]) => rest)).toEqual([['key', 'C', 'D']])
  })

  test('events of no order, of a version that there is not, and no events at all', async () => {
    const stranger = crypto.randomUUID()
    const base = named(`${c}.0`)
    const extras = [
      { ...base, eventId: `${stranger}.0` },
      { ...base, eventId: `${c}.1` },
      { ...base, eventId: c! },
      { ...base, eventId: `${c}.0`, value: '{"event":{}}' },
    ]
    const messages = [...sent, ...extras]
    const { violations } = await verify({ messages })
    expect(sorted(violations)).toEqual(
      sorted([
        ['event', at(messages, extras[0]!), 'extra: order', `an order with id ${stranger}`, null],
        ['event', at(messages, extras[1]!), 'extra: event', `version 1 of order ${c} in the log`, null],
        [
          'event',
          at(messages, extras[2]!),
          'extra: message',
          'an event',
          'the header eventId is not the id of an order and a version',
        ],
        ['event', at(messages, extras[3]!), 'extra: message', 'an event', 'is no JSON object with event and order'],
      ]),
    )
  })

  test('a version that is left out, at the beginning, amid the others and at the end, and a whole order', async () => {
    expect(sorted((await verify({ messages: without(`${a}.2`, `${b}.0`) })).violations)).toEqual(
      sorted([
        ['order', a!, 'missing event', `version 2 on ${topic}, before version 3`, null],
        ['order', b!, 'missing event', `version 0 on ${topic}`, null],
      ]),
    )
    expect(sorted((await verify({ messages: without(`${a}.3`, `${c}.0`) })).violations)).toEqual(
      sorted([
        ['order', a!, 'missing event', `version 3 on ${topic}`, null],
        ['order', c!, 'missing event', `version 0 on ${topic}`, null],
      ]),
    )
  })

  test('versions in another order', async () => {
    const early = named(`${a}.3`)
    const messages = without(`${a}.3`).toSpliced(sent.indexOf(named(`${a}.2`)), 0, early)
    const { violations } = await verify({ messages })
    expect(violations).toEqual([
      [
        'event',
        at(messages, early),
        'reordered',
        `behind version 2 of order ${a}`,
        expect.stringContaining('before it'),
      ],
    ])
  })
})

describe('what the publication has not kept as acknowledged', () => {
  test('may wait', async () => {
    const [waiting] = await world.place('A')
    await world.cancel(c!)
    expect((await verify({ messages: sent })).violations).toEqual([])
    await world.begin()
    await world.has([`${waiting}.0`, `${c}.1`])
    await until(async () => (await verify({ messages: sent })).violations.length === 2, { what: 'both are missed' })
    expect((await verify({ messages: [...world.topic.sent] })).violations).toEqual([])
  })

  test('is not known in a database that was copied: a note says so', async () => {
    await becomeCopy(world.sql)
    await world.sql`
      insert into log_epochs (epoch, floor) select max(epoch) + 1, (select last_value from log_position) from log_epochs`
    await world.sql`delete from event_publication where epoch > 1`
    const { violations, notes } = await verify({ messages: without(`${a}.3`) })
    expect(violations).toEqual([])
    expect(notes[0]).toContain('has kept no place of this database')
  })
})
