// Proves: against the real broker: whatever a message is like, its letter gets out, so that its partition can go on.

import { describe, expect, test } from 'bun:test'
import { NetworkError, ProtocolError } from '@platformatic/kafka'
import type { BatchProducer } from '../../../src/kafka/batchProducer.ts'
import { createDeadLetters, type DeadLetter, type WaitingLetters } from '../../../src/kafka/inbound/deadLetters.ts'
import { ownTopics, type OwnTopics } from '../../support/kafkaTopic.ts'
import { quietLog } from '../../support/quietLog.ts'
import { until } from '../../support/until.ts'

let offsets = 0n
const letter = (members: Partial<DeadLetter> = {}): DeadLetter => ({
  source: { topic: 'trades', partition: 4, offset: offsets++ },
  timestamp: BigInt(Date.now()),
  key: Buffer.from('AAPL'),
  value: Buffer.from('bad'),
  headers: new Map(),
  disposition: 'MALFORMED',
  reason: 'is no JSON',
  legs: [],
  ...members,
})
const never = new AbortController().signal
const headers = (entries: Record<string, string>) =>
  new Map(Object.entries(entries).map(([name, value]) => [Buffer.from(name), Buffer.from(value)]))

/** `aheadMs`: how wrong our clock is. */
const open = async (settings: Record<string, string> = {}, aheadMs = 0) => {
  const own = await ownTopics(1, { partitions: 2, settings })
  const { log, lines } = quietLog()
  const now = () => new Date(Date.now() + aheadMs)
  return { own, lines, topic: own.names[0]!, dead: createDeadLetters(own.producer, own.names[0]!, { log, now }) }
}

test('key, value and headers as received; a tombstone stays one, an empty value too, no key stays no key', async () => {
  const { own, topic, dead } = await open()
  await using _ = own
  const original = headers({ eventId: 'e', 'x-reason': 'from an older life' })
  await dead.send(
    [
      letter({ headers: original }),
      letter({ value: null }),
      letter({ value: Buffer.alloc(0) }),
      letter({ key: null }),
      letter({ key: null, value: null }),
    ],
    never,
  )
  const found = (await own.kafka.read(topic)).toSorted(
    (a, b) => Number(a.headers['x-original-offset']) - Number(b.headers['x-original-offset']),
  )
  expect(found.map(({ key, value }) => [key, value])).toEqual([
    ['AAPL', 'bad'],
    ['AAPL', null],
    ['AAPL', ''],
    [null, 'bad'],
    [null, null],
  ])
  expect(found[0]!.headers).toMatchObject({ eventId: 'e', 'x-reason': 'is no JSON', 'x-disposition': 'MALFORMED' })
})

test('header values are one readable line, whatever the reason says', async () => {
  const { own, topic, dead } = await open()
  await using _ = own
  await dead.send([letter({ reason: `a\r\nx-evil: ü${'y'.repeat(2_000)}`, legs: ['BUY:\u0000'] })], never)
  const [found] = await own.kafka.read(topic)
  expect(found!.headers['x-reason']).toMatch(/^a\?\?x-evil: \?+y+$/)
  expect(found!.headers['x-reason']!.length).toBeLessThanOrEqual(500)
  expect(found!.headers['x-legs']).toBe('BUY:?')
})

test('a value that is too large is left out and said so; its neighbours are whole', async () => {
  const { own, topic, lines, dead } = await open({ 'max.message.bytes': '2000' })
  await using _ = own
  const large = letter({ value: Buffer.alloc(1_900, 'x') })
  const letters = [letter(), large, ...Array.from({ length: 20 }, () => letter())]
  await dead.send(letters, never)
  // A broker under load may leave a request unanswered, which is then repeated: letters are counted by their id.
  const found = [...Map.groupBy(await own.kafka.read(topic), (each) => each.headers['x-dead-letter-id'])].map(
    ([, [first]]) => first!,
  )
  expect(found).toHaveLength(letters.length)
  expect(found.filter(({ value }) => value === 'bad')).toHaveLength(letters.length - 1)
  const [short] = found.filter(({ value }) => value === null)
  expect(short!.headers).toMatchObject({ 'x-dead-letter-id': `trades-4-${large.source.offset}` })
  expect(short!.headers['x-reason']).toMatch(/^is no JSON; .*1900 bytes/)
  // Said at each attempt; where the broker was out of reach at one, that is said too, of no offset.
  const named = lines.filter(({ leftOut }) => leftOut !== undefined).map(({ offset }) => offset)
  expect(new Set(named)).toEqual(new Set([String(large.source.offset)]))
})

test('key and headers that are too large are left out in the end', async () => {
  const { own, topic, dead } = await open({ 'max.message.bytes': '2000' })
  await using _ = own
  await dead.send([letter({ headers: headers({ huge: 'h'.repeat(3_000) }), key: Buffer.alloc(2_500, 'k') })], never)
  const [found, ...more] = await own.kafka.read(topic)
  expect(more).toEqual([])
  expect({ key: found!.key, value: found!.value }).toEqual({ key: null, value: null })
  expect(found!.headers).not.toHaveProperty('huge')
  expect(found!.headers).toMatchObject({ 'x-original-topic': 'trades', 'x-original-partition': '4' })
})

test('what is larger than a message may be is left out before it is sent, though the topic would take it', async () => {
  const { own, topic, dead } = await open({ 'max.message.bytes': '60000000' })
  await using _ = own
  const some = 'x'.repeat(4_500_000)
  const most = some.repeat(2)
  const letters = [
    letter({ value: Buffer.from(some), headers: headers({ h: 's' }) }),
    letter({ value: Buffer.from(some), headers: headers({ h: some }) }),
    letter({ value: Buffer.from(most), headers: headers({ h: 's' }) }),
    letter({ headers: headers({ h: most }) }),
    letter({ key: Buffer.from(most) }),
  ]
  await dead.send(letters, never)
  const found = (await own.kafka.read(topic)).map(({ key, value, headers }) => ({
    offset: headers['x-original-offset'],
    lengths: [key?.length, value?.length, headers['h']?.length],
    leftOut: headers['x-left-out'],
  }))
  expect(
    found.toSorted((a, b) => Number(a.offset) - Number(b.offset)).map(({ lengths, leftOut }) => ({ lengths, leftOut })),
  ).toEqual([
    { lengths: [4, 4_500_000, 1], leftOut: '' },
    { lengths: [4, 4_500_000, undefined], leftOut: 'headers' },
    { lengths: [4, undefined, 1], leftOut: 'value' },
    { lengths: [4, 3, undefined], leftOut: 'headers' },
    { lengths: [undefined, undefined, undefined], leftOut: 'value,key' },
  ])
})

describe('a refusal that may be a fault of the broker', () => {
  /** The producer of `own`, but what `refuse` says of a batch comes first; null: nothing. */
  const refusing = (own: OwnTopics, refuse: (batch: Buffer) => Error | null) => {
    const producer: BatchProducer = {
      ...own.producer,
      send: (part) => {
        const refusal = refuse(part.batch)
        return refusal === null ? own.producer.send(part) : Promise.reject(refusal)
      },
    }
    return createDeadLetters(producer, own.names[0]!, { log: quietLog().log, now: () => new Date() })
  }
  const large = { headers: headers({ h: 'h'.repeat(2_000) }) }

  test('and that passes costs a letter nothing, also after an outage', async () => {
    await using own = await ownTopics(1)
    const refusals = [
      new NetworkError('away'),
      ...(['UNKNOWN_SERVER_ERROR', 'CORRUPT_MESSAGE', 'UNKNOWN_SERVER_ERROR'] as const).map(
        (id) => new ProtocolError(id),
      ),
      new ProtocolError('CORRUPT_MESSAGE'),
    ]
    await refusing(own, () => refusals.shift() ?? null).send([letter(large)], never)
    expect(refusals).toEqual([])
    const found = await own.kafka.read(own.names[0]!)
    expect(found.map(({ value, headers }) => [value, headers['x-left-out']])).toEqual([['bad', '']])
  })

  test('and that stays costs it what the broker does not take, and its neighbour nothing', async () => {
    await using own = await ownTopics(1)
    const dead = refusing(own, (batch) => (batch.length > 2_000 ? new ProtocolError('UNKNOWN_SERVER_ERROR') : null))
    await dead.send([letter(), letter(large)], never)
    const found = await own.kafka.read(own.names[0]!)
    expect(
      found.map(({ value, headers }) => [value, headers['x-left-out']]).toSorted(([, a], [, b]) => (a! < b! ? -1 : 1)),
    ).toEqual([
      ['bad', ''],
      ['bad', 'headers'],
    ])
  })
})

test('while the topic cannot take it, it waits; the signal ends the waiting with an exception', async () => {
  const { own, topic, lines, dead } = await open()
  await using _ = own
  await own.kafka.deleteTopics([topic])
  // The controller has deleted it; the broker takes letters until it has heard of that.
  await until(async () => !(await own.kafka.topicNames()).includes(topic), { what: 'the topic is gone' })
  const stopping = new AbortController()
  let done = false
  const sending = dead.send([letter()], stopping.signal).then(() => (done = true))
  await until(() => lines.some(({ level }) => level === 'error'), { what: 'the log says that letters wait' })
  expect(done).toBe(false)
  stopping.abort()
  expect(sending).rejects.toThrow()
  await sending.catch(() => undefined)

  const late = dead.send([letter()], never)
  await own.kafka.createTopics([topic], { partitions: 2 })
  await late
  expect(await own.kafka.readUntil(topic, 1)).toHaveLength(1)
})

const dayMs = 24 * 3_600_000
/** The default of Kafka 4; before it a broker took any time. */
const noFuture = { 'message.timestamp.after.max.ms': '3600000' }

test('if the clock is days ahead, which brokers refuse, a letter gets the time of its message', async () => {
  const { own, lines, topic, dead } = await open(noFuture, 2 * dayMs)
  await using _ = own
  const sent = [letter(), letter({ timestamp: BigInt(Date.now() - 10 * dayMs) })]
  for (const each of sent) await dead.send([each], never)
  const found = await own.kafka.read(topic)
  expect(new Set(found.map(({ appendedAt }) => appendedAt))).toEqual(new Set(sent.map(({ timestamp }) => timestamp)))
  expect(lines.map(({ message }) => message).join()).toContain('clock')
})

test('if the clock is days behind, too, so that retention does not take the letter for an old one', async () => {
  const { own, topic, dead } = await open({}, -2 * dayMs)
  await using _ = own
  const sent = letter()
  await dead.send([sent], never)
  expect((await own.kafka.read(topic)).map(({ appendedAt }) => appendedAt)).toEqual([sent.timestamp])
})

test('if the clock is right, a letter has the time of its sending, however old its message is', async () => {
  const { own, topic, dead } = await open()
  await using _ = own
  const before = Date.now()
  await dead.send([letter({ timestamp: BigInt(before - 10 * dayMs) })], never)
  expect(Number((await own.kafka.read(topic))[0]!.appendedAt)).toBeGreaterThanOrEqual(before)
})

test('a message from the future by a clock that is wrong as well has a letter without a time, which any broker takes', async () => {
  const { own, topic, dead } = await open(noFuture, 2 * dayMs)
  await using _ = own
  await dead.send([letter(), letter({ timestamp: BigInt(Date.now() + 3 * dayMs) }), letter()], never)
  const found = await own.kafka.read(topic)
  expect(found).toHaveLength(3)
  expect(found.filter(({ appendedAt }) => appendedAt === -1n)).toHaveLength(1)
})

test('headers as they came: repeated, without a value, without a name, which none can write', async () => {
  const { own, topic, dead } = await open()
  await using _ = own
  const odd = new Map<Buffer | null, Buffer | null>([
    [Buffer.from('r'), Buffer.from('1')],
    [Buffer.from('r'), Buffer.from('2')],
    [Buffer.from('n'), null],
    [Buffer.from(''), Buffer.from('')],
  ])
  const nameless = new Map([...odd, [null, Buffer.from('x')] as const])
  await dead.send([letter({ headers: odd }), letter({ headers: nameless })], never)
  const found = await own.kafka.read(topic)
  expect(
    found.map(({ headers: { r, n, '': empty, 'x-left-out': leftOut } }) => ({ r, n: n as unknown, empty, leftOut })),
  ).toEqual([
    { r: '2', n: null, empty: '', leftOut: '' },
    { r: '2', n: null, empty: '', leftOut: 'headers' },
  ])
})

test('letters that wait are counted by partition of their source until they are written or given up', async () => {
  const { own, topic, dead } = await open({ 'max.message.bytes': '200' })
  await using _ = own
  const stopping = new AbortController()
  const from = (partition: number) => letter({ source: { topic: 'trades', partition, offset: offsets++ } })
  const first = dead.send([from(1), from(1)], never)
  const second = dead.send([from(2)], stopping.signal)
  // A broker under load may first be out of reach, which is another reason to wait.
  const isTooLarge = ({ reason }: WaitingLetters): boolean => reason.includes('MESSAGE_TOO_LARGE')
  await until(() => dead.state().filter(isTooLarge).length === 2, { what: 'both partitions wait for their sizes' })
  expect(dead.state().toSorted((a, b) => a.partition - b.partition)).toEqual(
    [
      { partition: 1, letters: 2 },
      { partition: 2, letters: 1 },
    ].map((each) => ({
      topic: 'trades',
      ...each,
      waitedMs: expect.any(Number),
      reason: expect.stringContaining('MESSAGE_TOO_LARGE'),
    })),
  )
  stopping.abort()
  expect(second).rejects.toThrow()
  await second.catch(() => undefined)
  expect(dead.state().map(({ partition }) => partition)).toEqual([1])
  await own.kafka.alterTopic(topic, { 'max.message.bytes': '1048588' })
  await first
  expect(dead.state()).toEqual([])
})

test('a topic that goes away while many letters are on their way is nothing of theirs: none is judged alone, all follow', async () => {
  const { own, topic, dead } = await open()
  await using _ = own
  await dead.send([letter()], never)
  await own.kafka.deleteTopics([topic])
  await until(async () => !(await own.kafka.topicNames()).includes(topic), { what: 'the topic is gone' })
  const sending = dead.send(
    Array.from({ length: 200 }, () => letter()),
    never,
  )
  await until(() => dead.state()[0]?.letters === 200, { what: 'all wait' })
  await own.kafka.createTopics([topic], { partitions: 1 })
  await sending
  expect(await own.kafka.read(topic)).toHaveLength(200)
})
