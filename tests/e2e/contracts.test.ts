// Proves: the compiled binary prints and serves its contracts without anything around it, and keeps to them on a real broker. The
// orders of these tests go through the typed client.

import { pageNames } from '../../src/handbook/pages.ts'
import { assetNames } from '../../src/http/contract/contractOperations.ts'
import { messageFaults, type Message } from '../contracts/messageJudge.ts'
import { readReleased, releasedFiles } from '../contracts/released.ts'
import { createClient } from '../contracts/typedClient.ts'
import { describe, expect, test } from '../support/explained.ts'
import type { Received } from '../support/kafka.ts'
import { userId } from '../support/orderBody.ts'
import { runBinary } from '../support/service.ts'
import { ownWorld, tradeOf } from '../support/world.ts'

const { world, service } = await ownWorld()
const client = createClient(service.url, { timeoutMs: 30_000 })

const defaults = () =>
  new Map([
    [world.topics.placed, 'order.placed.v1'],
    [world.topics.cancelled, 'order.cancelled.v1'],
    [world.topics.trades, 'trade.executed.v1'],
    [world.topics.deadLetters, 'trade.executed.v1.dlq'],
  ])

/** As the default document has it: its topics have other names here. */
const messageOf = ({ topic, key, value, headers }: Received): Message => ({
  topic: defaults().get(topic)!,
  key,
  value,
  headers: Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, text ?? ''])),
})

const order = {
  userId,
  ticker: 'CTR',
  side: 'BUY' as const,
  type: 'LIMIT' as const,
  timeInForce: 'GTC' as const,
  quantity: '123456789012.12345678',
  price: '0.00000001',
}

const place = async (changed: Partial<typeof order> = {}) => {
  const answer = await client.placeOrder({ body: { ...order, ...changed } })
  if (answer.status !== 202) throw new Error(JSON.stringify(answer.body))
  return answer.body
}

describe('without configuration, in an empty folder', () => {
  test('`orders openapi` and `orders asyncapi` print the documents', async () => {
    for (const name of ['openapi', 'asyncapi'] as const) {
      const { exitCode, out, err } = await runBinary([name])
      expect({ exitCode, err }).toEqual({ exitCode: 0, err: '' })
      const document = JSON.parse(out) as Record<string, unknown>
      expect(document[name]).toMatch(/^3\.[01]\.\d$/)
      const released = await readReleased(releasedFiles[name])
      expect(Object.keys(document)).toEqual(Object.keys(released))
    }
    expect((await runBinary(['asyncapi'], { KAFKA_TOPIC_ORDER_PLACED: 'mine' })).out).toContain('"address": "mine"')
    expect(await runBinary(['openapi'], { BODY_MAX_BYTES: 'many' })).toMatchObject({ exitCode: 2, out: '' })
    for (const name of ['openapi', 'asyncapi', 'proto'])
      expect((await runBinary(['--help'])).out).toContain(`orders ${name} `)
  })

  test('the documents are served as they are printed, with the names of this configuration', async () => {
    const printed = await runBinary(['openapi'])
    expect((await service.http('/openapi.json')).json).toEqual(JSON.parse(printed.out))
    expect((await service.http('/orders.proto')).text).toBe((await runBinary(['proto'])).out)
    const { json } = await service.http('/asyncapi.json')
    const addresses = Object.values(json['channels'] as Record<string, { address: string }>).map(
      ({ address }) => address,
    )
    const { placed, cancelled, trades, deadLetters } = world.topics
    // The topic of all events and those of reports are off here; the document has them under their usual names.
    const off = ['order.report.v1', 'order.report.v1.dlq']
    expect(addresses).toEqual([placed, cancelled, 'order.event.v1', trades, deadLetters, ...off])
    expect(json).toEqual(JSON.parse((await runBinary(['asyncapi'], world.env)).out))
  })

  test('the docs page brings everything along that it names', async () => {
    const page = await service.http('/docs')
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
    expect(page.headers.get('content-security-policy')).toStartWith("default-src 'self'; img-src 'self' data:; ")
    expect(page.headers.get('content-security-policy')).not.toContain('unsafe')
    const named = [...page.text.matchAll(/(?:href|src)="([^"#]+)"/g)].map(([, link]) => link!)
    expect(named.filter((link) => !link.startsWith('/') && link !== 'data:,')).toEqual([])
    const links = named.filter((link) => link.startsWith('/'))
    expect(links.toSorted()).toEqual(
      [
        ...assetNames.filter((name) => name !== 'handbook.css').map((name) => `/docs/${name}`),
        ...pageNames.map((name) => `/docs/handbook/${name}`),
        '/openapi.json',
        '/asyncapi.json',
        '/orders.proto',
      ].toSorted(),
    )
    for (const link of links) {
      const { status, text } = await service.http(link)
      expect(status).toBe(200)
      expect(text.length).toBeGreaterThan(link.endsWith('bundle.js') ? 1_000_000 : 100)
    }
    const { placed, cancelled, trades, deadLetters } = world.topics
    for (const topic of [placed, cancelled, trades, deadLetters, 'order.report.v1'])
      expect(page.text).toContain(`<code>${topic}</code>`)
    // Nothing of the page stands in the page: the policy lets no such script run.
    expect(page.text).not.toMatch(/<script(?![^>]* src=)|<style|\son\w+=| style=/)
  })
})

test('the messages of a placed and a canceled order are as published', async () => {
  const { id, quantity } = await place()
  expect(quantity).toBe('123456789012.12345678')
  const canceled = await client.cancelOrder({ params: { id } })
  expect(canceled).toMatchObject({ status: 200, body: { status: 'CANCELED', remainingQuantity: '0' } })
  for (const topic of [world.topics.placed, world.topics.cancelled]) {
    const found = await world.kafka.readUntil(topic, (all) => all.some(({ value }) => value!.includes(id)))
    expect(found.flatMap((message) => messageFaults(messageOf(message)))).toEqual([])
  }
})

test('trades in both forms are as published and are applied; what is left over is a dead letter as published', async () => {
  const { id } = await place({ quantity: '10' })
  const other = await place({ quantity: '1' })
  await world.publishTrades(
    tradeOf({ ticker: 'CTR', buyOrderId: id, quantity: '2.50000001', price: '0.00000001' }),
    { tradeId: 'one-leg', orderId: other.id, ticker: 'CTR', price: 1.5, quantity: 1, timestamp: 1767323046.001234 },
    tradeOf({ ticker: 'CTR', buyOrderId: crypto.randomUUID() }),
  )
  const sent = await world.kafka.read(world.topics.trades)
  expect(sent.flatMap((message) => messageFaults(messageOf(message)))).toEqual([])
  await world.kafka.publish([{ topic: world.topics.trades, key: null, value: 'no trade' }])
  await world.tradesConsumed()

  expect(await client.getOrder({ params: { id } })).toMatchObject({
    status: 200,
    body: { status: 'PARTIALLY_FILLED', filledQuantity: '2.50000001', remainingQuantity: '7.49999999' },
  })
  expect(await client.listFills({ params: { id: other.id } })).toMatchObject({
    status: 200,
    body: { fills: [{ tradeId: 'one-leg', quantity: '1', price: '1.5', tradedAt: '2026-01-02T03:04:06.001234Z' }] },
  })
  const letters = await world.kafka.readUntil(world.topics.deadLetters, 2)
  expect(letters.flatMap((message) => messageFaults(messageOf(message)))).toEqual([])
  expect(letters.map(({ headers }) => headers['x-disposition']!).toSorted()).toEqual(['MALFORMED', 'UNKNOWN_ORDER'])
})
