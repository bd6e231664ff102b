// Proves: the AsyncAPI document is valid, and every message that the service writes or takes is as published: key, headers and
// value.

import { describe, expect, test } from 'bun:test'
import specs from '@asyncapi/specs'
import { Reader, readRecordsBatch } from '@platformatic/kafka'
import { Ajv } from 'ajv'
import addFormats from 'ajv-formats'
import * as fc from 'fast-check'
import { readSettings } from '../../src/config/config.ts'
import type { BatchProducer } from '../../src/kafka/batchProducer.ts'
import { deadLetterExample, exampleEvent } from '../../src/kafka/contract/examples.ts'
import { exampleLogEvent, exampleLogId } from '../../src/kafka/contract/logMessage.ts'
import { createDeadLetters, type DeadLetter } from '../../src/kafka/inbound/deadLetters.ts'
import { messageOf as redrivenMessageOf } from '../../src/kafka/letters.ts'
import { createLogSender } from '../../src/kafka/logSender.ts'
import { encodeBatch } from '../../src/kafka/records.ts'
import { decodeReport } from '../../src/kafka/reportSchema.ts'
import { decodeTrade, encoders } from '../../src/kafka/schema.ts'
import { createSender } from '../../src/kafka/sender.ts'
import { contractsOf } from '../../src/serve/contracts.ts'
import { eventOrder } from '../../src/store/outbox.ts'
import { writeEvent } from '../../src/wire/event.ts'
import { anyAmount, newOrder } from '../domain/arbitraries.ts'
import { messageOf } from '../fuzz/tradeMessages.ts'
import { quietLog } from '../support/quietLog.ts'
import { asyncApiDocument, dereferenced, type Json } from './documents.ts'
import { messageFaults, messages, valueFaults, type Message } from './messageJudge.ts'

const ending = { filledQuantity: 0n, reason: { code: 'USER_CANCELED', text: null } }
const events = { PLACED: 'order.placed.v1', CANCELLED: 'order.cancelled.v1' }
const topics = {
  orderEvents: 'order.event.v1',
  trades: 'trade.executed.v1',
  deadLetters: 'trade.executed.v1.dlq',
  reports: 'order.report.v1',
  reportLetters: 'order.report.v1.dlq',
}

type Sent = { topic: string; batch: Buffer }

/** A producer that keeps what it is given. */
const keeping = () => {
  const sent: Sent[] = []
  const producer: BatchProducer = {
    partitionsOf: () => Promise.resolve(3),
    send: (batch) => Promise.resolve(void sent.push(batch)),
    close: () => Promise.resolve(),
  }
  return { producer, sent }
}

/** The first record of a batch, as a consumer gets it. */
const asMessage = ({ topic, batch }: Sent): Message => {
  const { key, value, headers } = readRecordsBatch(Reader.from(batch)).records[0]!
  return {
    topic,
    key: key?.toString() ?? null,
    value: value?.toString() ?? null,
    headers: Object.fromEntries(headers.map(([name, text]) => [String(name), String(text)])),
  }
}

const sendEvent = async (kind: 'PLACED' | 'CANCELLED', traced = true): Promise<Message> => {
  const { producer, sent } = keeping()
  const example = exampleEvent(kind)
  const rest = {
    position: 1n,
    shard: 0,
    readAt: example.occurredAt,
    waitedMs: 0,
    ending: kind === 'CANCELLED' ? ending : null,
  }
  const event = { ...example, ...rest, order: eventOrder(example.order), ...(traced ? {} : { traceparent: null }) }
  await createSender({ producer, topics: events, ceSource: '/orders', log: quietLog().log }).send(kind, 0, [event])
  return asMessage(sent[0]!)
}

const letterOf = async (changed: Partial<DeadLetter> = {}, topic = topics.deadLetters): Promise<Message> => {
  const { producer, sent } = keeping()
  const letter: DeadLetter = {
    source: { topic: topics.trades, partition: 3, offset: 42n },
    timestamp: 0n,
    key: Buffer.from('AAPL'),
    value: Buffer.from(JSON.stringify(deadLetterExample.payload)),
    headers: new Map(),
    disposition: 'UNKNOWN_ORDER',
    reason: 'no such order here',
    legs: [`BUY:${deadLetterExample.payload.buyOrderId}`],
    ...changed,
  }
  await createDeadLetters(producer, topic, { log: quietLog().log, now: () => new Date() }).send(
    [letter],
    new AbortController().signal,
  )
  return asMessage(sent[0]!)
}

const exampleOf = (name: string, index = 0) => messages[name]!.examples[index]!

describe('the document', () => {
  test('is valid AsyncAPI 3.0', () => {
    const ajv = new Ajv({ strict: false, allErrors: true })
    addFormats.default(ajv)
    const validate = ajv.compile(specs.schemasWithoutId['3.0.0'] as object)
    validate(asyncApiDocument)
    expect(validate.errors).toBeNull()
    expect(asyncApiDocument['asyncapi']).toBe('3.0.0')
  })

  test('has no reference that leads nowhere, and names the topics', () => {
    const { channels } = dereferenced(asyncApiDocument, asyncApiDocument) as { channels: Record<string, Json> }
    expect(Object.values(channels).map((channel) => channel['address'] as string)).toEqual([
      ...Object.values(events),
      ...Object.values(topics),
    ])
  })

  test('has the names that the configuration gives', () => {
    const settings = readSettings({
      KAFKA_TOPIC_ORDER_PLACED: 'a',
      KAFKA_TOPIC_ORDER_CANCELLED: 'b',
      KAFKA_TOPIC_ORDER_EVENT: 'e',
      KAFKA_TOPIC_TRADE_EXECUTED: 'c',
      KAFKA_TOPIC_TRADE_DLQ: 'd',
      KAFKA_TOPIC_ORDER_REPORT: 'f',
      KAFKA_TOPIC_REPORT_DLQ: 'g',
      ENGINE_FEATURES: 'reports',
      KAFKA_CONSUMER_GROUP: 'my-group',
      CE_SOURCE: '/mine',
    })
    if (!settings.ok) throw new Error(settings.faults.join())
    const text = JSON.stringify(contractsOf(settings.settings).asyncApi)
    const { channels } = JSON.parse(text) as { channels: Record<string, Json> }
    expect(Object.values(channels).map((channel) => channel['address'] as string)).toEqual([
      'a',
      'b',
      'e',
      'c',
      'd',
      'f',
      'g',
    ])
    expect(text).toContain('"enum":["my-group"]')
    expect(text).toContain('"enum":["my-group.reports"]')
    expect(text).toContain('"const":"/mine"')
    expect(text).not.toContain('orders-exec-consumer')
  })
})

describe('an event', () => {
  test.each(['PLACED', 'CANCELLED'] as const)('%s is as published, and is its example to the letter', async (kind) => {
    const sent = await sendEvent(kind)
    expect(messageFaults(sent)).toEqual([])
    expect(messageFaults(await sendEvent(kind, false))).toEqual([])
    const example = exampleOf(kind === 'PLACED' ? 'orderPlaced' : 'orderCancelled')
    expect({ headers: sent.headers, payload: JSON.parse(sent.value!) as Json }).toEqual({
      headers: example.headers!,
      payload: example.payload as Json,
    })
  })

  test('of any order is as published', () => {
    const terms = fc.record({ quantity: anyAmount, price: fc.option(anyAmount), side: fc.constantFrom('BUY', 'SELL') })
    fc.assert(
      fc.property(terms, ({ quantity, price, side }) => {
        const order = newOrder({ quantity, price, side: side as 'BUY', type: price === null ? 'MARKET' : 'LIMIT' })
        expect(
          valueFaults(
            'orderPlaced',
            encoders.PLACED({ order: eventOrder(order), occurredAt: order.createdAt, ending: null }),
          ),
        ).toEqual([])
        expect(
          valueFaults(
            'orderCancelled',
            encoders.CANCELLED({ order: eventOrder(order), occurredAt: order.createdAt, ending }),
          ),
        ).toEqual([])
      }),
    )
  })
})

describe('an event of the log', () => {
  test('is as published, and is its example to the letter', async () => {
    const { producer, sent } = keeping()
    const { order, at } = exampleLogEvent
    const message = { ticker: order.ticker, eventId: exampleLogId, at, value: writeEvent(exampleLogEvent) }
    await createLogSender({ producer, topic: topics.orderEvents, ceSource: '/orders', log: quietLog().log }).send(
      0,
      [message],
      new Date(),
    )
    const found = asMessage(sent[0]!)
    expect(messageFaults(found)).toEqual([])
    expect({ headers: found.headers, payload: JSON.parse(found.value!) as Json }).toEqual({
      headers: exampleOf('orderEvent').headers!,
      payload: exampleOf('orderEvent').payload as Json,
    })
  })
})

describe('a dead letter', () => {
  test('is as published, and is its example to the letter', async () => {
    const letter = await letterOf()
    expect(messageFaults(letter)).toEqual([])
    expect({ headers: letter.headers, payload: JSON.parse(letter.value!) as Json }).toEqual({
      headers: exampleOf('deadLetter').headers!,
      payload: exampleOf('deadLetter').payload as Json,
    })
  })

  test('of anything else is as published too', async () => {
    const odd: Partial<DeadLetter>[] = [
      { key: null, value: null, disposition: 'MALFORMED', reason: 'is empty', legs: [] },
      { value: Buffer.from([0, 255]), disposition: 'MALFORMED', reason: 'is no JSON in UTF-8 \n é', legs: [] },
      { headers: new Map([[Buffer.from('x-redriven-from'), Buffer.from('trade.executed.v1-0-1')]]) },
      { legs: ['ORDER:a', 'BUY:b'], source: { topic: topics.trades, partition: 0, offset: 2n ** 62n } },
    ]
    for (const changed of odd) expect(messageFaults(await letterOf(changed))).toEqual([])
  })

  test('that is sent again is a trade as published', async () => {
    const letter = await letterOf()
    const record = {
      topic: topics.deadLetters,
      partition: 0,
      offset: 0n,
      publishedAtMs: 0,
      key: Buffer.from('AAPL'),
      value: Buffer.from(letter.value!),
      headers: Object.entries(letter.headers).map(([name, text]) => [Buffer.from(name), Buffer.from(text)] as const),
    }
    const again = redrivenMessageOf(record, letter.headers['x-dead-letter-id']!, new Date())
    const message = asMessage({ topic: topics.trades, batch: encodeBatch([again]) })
    expect(messageFaults(message)).toEqual([])
    expect(message.headers).toEqual(exampleOf('tradeExecuted', 1).headers!)
  })
})

describe('a trade', () => {
  test('of the examples is one for the decoder', () => {
    for (const name of ['tradeExecuted', 'tradeLegExecuted'])
      for (const { payload } of messages[name]!.examples) {
        const text = JSON.stringify(payload)
        expect(valueFaults(name, text)).toEqual([])
        expect(decodeTrade(Buffer.from(text))).toHaveProperty('tradeId')
      }
  })

  test('is taken by the decoder exactly where one of its two forms is met', () => {
    const utf8 = new TextDecoder('utf-8', { fatal: true })
    /** What a schema cannot say: digits, days that do not exist, and which characters print. */
    const beyondSchema = /_DIGITS\)|^timestamp is no|^tradeId must be|UTF-8$/
    const counts = { taken: 0, refused: 0 }
    for (let number = 0; number < 8_000; number++) {
      const { value } = messageOf('agreement', number, { groups: [[], []], messages: 8_000 })
      const trade = decodeTrade(value)
      const text = (() => {
        try {
          return utf8.decode(value ?? Buffer.alloc(0))
        } catch {
          return ''
        }
      })()
      const isLawful = ['tradeExecuted', 'tradeLegExecuted'].some((name) => valueFaults(name, text).length === 0)
      const isTaken = !('malformed' in trade)
      // The decoder also takes an id that is a number, as an order that is not here.
      const { buyOrderId, sellOrderId, orderId } = isTaken ? (JSON.parse(text) as Json) : {}
      const hasNumericId = [buyOrderId, sellOrderId, orderId].some((id) => typeof id === 'number')
      if (isTaken && !isLawful && !hasNumericId) throw new Error(`taken against the schema: ${text.slice(0, 500)}`)
      if (!isTaken && isLawful && !beyondSchema.test(trade.malformed))
        throw new Error(`refused against the schema: ${text.slice(0, 500)} ${trade.malformed}`)
      counts[isTaken ? 'taken' : 'refused']++
    }
    expect(counts.taken).toBeGreaterThan(1_000)
    expect(counts.refused).toBeGreaterThan(1_000)
  })
})

describe('a report', () => {
  test('of the examples is one for the decoder', () => {
    for (const { payload } of messages['orderReport']!.examples) {
      const text = JSON.stringify(payload)
      expect(valueFaults('orderReport', text)).toEqual([])
      expect(decodeReport(Buffer.from(text))).toHaveProperty('reportId')
    }
  })

  test('is taken by the decoder exactly where the schema is met', () => {
    const [example] = messages['orderReport']!.examples
    const values: Record<string, readonly unknown[]> = {
      reportId: ['R-1', 'x'.repeat(64), 'x'.repeat(65), '', 17, null, 'a\nb'],
      orderId: ['o-17', '', null, true, []],
      ticker: ['brk.b', '^GSPC', 'A B', '', 'AAPLAAPLAAPLAAPLX', 7],
      kind: ['REJECTED', 'CANCELED', 'EXPIRED', 'CANCELLED', 'canceled', null],
      reason: ['words', '', null, 7, {}],
      cumulativeQuantity: [0, 1.5, '0', '0.00', '12.50', '-0', '1e2', -1, 1e12, '', null, true, '1000000000000'],
      timestamp: ['2026-01-02T03:04:05Z', 1767323046.001234, 1767323046001, '2026-01-02', -1, null],
    }
    const counts = { taken: 0, refused: 0 }
    for (const [name, some] of Object.entries(values))
      for (const value of [undefined, ...some])
        for (const more of [{}, { other: 1 }]) {
          const text = JSON.stringify({ ...(example!.payload as Json), ...more, [name]: value })
          const isLawful = valueFaults('orderReport', text).length === 0
          const isTaken = !('malformed' in decodeReport(Buffer.from(text)))
          expect([text, isTaken]).toEqual([text, isLawful])
          counts[isTaken ? 'taken' : 'refused']++
        }
    expect(counts.taken).toBeGreaterThan(20)
    expect(counts.refused).toBeGreaterThan(20)
  })

  test('that cannot be applied has a dead letter as published, and is its example to the letter', async () => {
    const example = exampleOf('reportDeadLetter')
    const letter = await letterOf(
      {
        source: { topic: topics.reports, partition: 3, offset: 17n },
        value: Buffer.from(JSON.stringify(example.payload)),
        legs: [`ORDER:${(example.payload as { orderId: string }).orderId}`],
      },
      topics.reportLetters,
    )
    expect(messageFaults(letter)).toEqual([])
    expect({ headers: letter.headers, payload: JSON.parse(letter.value!) as Json }).toEqual({
      headers: example.headers!,
      payload: example.payload as Json,
    })
  })
})

describe('the judge', () => {
  test.each<[string, (sent: Message) => Message, RegExp]>([
    ['a topic that is none', (sent) => ({ ...sent, topic: 'other' }), /topic/],
    ['a key that is no ticker', (sent) => ({ ...sent, key: 'aapl' }), /key/],
    ['a missing key', (sent) => ({ ...sent, key: null }), /key/],
    ['a missing header', (sent) => ({ ...sent, headers: { ...sent.headers, eventId: undefined as never } }), /eventId/],
    [
      'an unknown header',
      (sent) => ({ ...sent, headers: { ...sent.headers, more: '1' } }),
      /more|unevaluated|additional/,
    ],
    ['another member', (sent) => ({ ...sent, value: sent.value!.replace('{', '{"more":1,') }), /additional/],
    ['an amount that is text', (sent) => ({ ...sent, value: sent.value!.replace('150.5', '"150.5"') }), /price/],
    ['no value', (sent) => ({ ...sent, value: null }), /value/],
  ])('finds %s', async (_, change, fault) => {
    const sent = change(await sendEvent('PLACED'))
    const headers = Object.fromEntries(Object.entries(sent.headers).filter(([, value]) => value !== undefined))
    expect(messageFaults({ ...sent, headers }).join('\n')).toMatch(fault)
  })
})
