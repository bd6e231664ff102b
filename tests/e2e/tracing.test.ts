// Proves: one trace leads from the request to the topics and from a trade to its legs: a sampled context gets a span for each of
// the three, each below the one before; any other costs nothing and is passed on as it came.

import { startCollector, type CollectedSpan, type Collector } from '../support/collector.ts'
import { afterAll, beforeAll, expect, test } from '../support/explained.ts'
import { orderBody } from '../support/orderBody.ts'
import type { RunningService } from '../support/service.ts'
import { until } from '../support/until.ts'
import { createWorld, tradeOf, type World } from '../support/world.ts'

let collector: Collector
let world: World
let service: RunningService

beforeAll(async () => {
  collector = startCollector()
  world = await createWorld()
  service = await world.start({
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20of-a-test',
      OTEL_TRACES_SAMPLER_ARG: '0',
    },
  })
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
  await collector[Symbol.asyncDispose]()
})

const spanId = 'b7ad6b7169203331'
const newTrace = (): string => crypto.randomUUID().replaceAll('-', '')
const sampled = (traceId: string): string => `00-${traceId}-${spanId}-01`

const place = async (headers: Record<string, string>, members: Record<string, unknown> = {}): Promise<string> => {
  const reply = await service.post(orderBody(members), headers)
  expect(reply.status).toBe(202)
  return String(reply.json['id'])
}
const eventOf = async (id: string) => {
  const isOurs = ({ value }: { value: string | null }) => value!.includes(id)
  return (await world.kafka.readUntil(world.topics.placed, (found) => found.some(isOurs))).find(isOurs)!
}
const ofKind =
  (traceId: string, kind: CollectedSpan['kind']) =>
  (span: CollectedSpan): boolean =>
    span.traceId === traceId && span.kind === kind

test('a request and its event are spans of the trace that it came with', async () => {
  const traceId = newTrace()
  const id = await place({ traceparent: sampled(traceId), 'x-request-id': 'traced-1' })
  const request = await collector.span(ofKind(traceId, 'SERVER'), 'the span of the request')
  expect(request).toMatchObject({ name: 'POST /orders', parentSpanId: spanId, failed: false })
  expect(request.attributes).toEqual({
    'http.request.method': 'POST',
    'http.route': '/orders',
    'http.response.status_code': 202,
    'http.request.header.x-request-id': ['traced-1'],
  })
  expect(request.resource).toMatchObject({ 'service.name': 'orders', 'service.version': expect.any(String) })
  expect(request.nanoseconds).toBeGreaterThan(0n)

  const event = await eventOf(id)
  expect(event.headers['traceparent']).toBe(`00-${traceId}-${request.spanId}-01`)
  const sent = await collector.span(ofKind(traceId, 'PRODUCER'), 'the span of the event')
  expect(sent).toMatchObject({ name: `send ${world.topics.placed}`, parentSpanId: request.spanId, failed: false })
  expect(sent.attributes).toMatchObject({
    'messaging.system': 'kafka',
    'messaging.destination.name': world.topics.placed,
    'messaging.destination.partition.id': String(event.partition),
    'messaging.message.id': event.headers['eventId'],
  })
  expect(collector.headers().get('authorization')).toBe('Bearer of-a-test')
})

test('a trade is a span of the trace that it came with; the log names that trace where a leg is kept', async () => {
  const id = await place({}, { quantity: 10 })
  const [fill, over] = [newTrace(), newTrace()]
  for (const [traceId, quantity] of [
    [fill, 10],
    [over, 1],
  ] as const)
    await world.kafka.publish([
      {
        topic: world.topics.trades,
        key: 'AAPL',
        value: JSON.stringify(tradeOf({ buyOrderId: id, quantity })),
        headers: { traceparent: sampled(traceId) },
      },
    ])
  const applied = await collector.span(ofKind(fill, 'CONSUMER'), 'the span of the fill')
  expect(applied).toMatchObject({ name: `process ${world.topics.trades}`, parentSpanId: spanId })
  expect(applied.attributes).toMatchObject({
    'messaging.destination.name': world.topics.trades,
    'messaging.kafka.offset': expect.any(Number),
    'orders.dispositions': ['APPLIED'],
  })
  const span = await collector.span(ofKind(over, 'CONSUMER'), 'the span of the overfill')
  expect(span.attributes['orders.dispositions']).toEqual(['OVERFILL'])
  const line = await service.logged('a trade could not be applied and is kept as an exception')
  expect(line).toMatchObject({ disposition: 'OVERFILL', traceparent: sampled(over) })
})

test('a message that cannot be decoded is a span too', async () => {
  const traceId = newTrace()
  const headers = { traceparent: sampled(traceId) }
  await world.kafka.publish([{ topic: world.topics.trades, key: 'AAPL', value: 'nonsense', headers }])
  const span = await collector.span(ofKind(traceId, 'CONSUMER'), 'the span of the message')
  expect(span.attributes['orders.dispositions']).toEqual(['MALFORMED'])
})

test('a trace that was decided against, and a request without one, make no spans; the context goes along as it came', async () => {
  const unsampled = `00-${newTrace()}-${spanId}-00`
  const [without, along] = [await place({}), await place({ traceparent: unsampled })]
  expect((await eventOf(along)).headers['traceparent']).toBe(unsampled)
  expect((await eventOf(without)).headers).not.toHaveProperty('traceparent')
  await service.http('/actuator/health', { headers: { traceparent: sampled(newTrace()) } })
  const last = newTrace()
  await place({ traceparent: sampled(last) })
  await collector.span(ofKind(last, 'PRODUCER'), 'a later span')
  const paths = collector.spans.map(({ attributes }) => attributes['http.route'])
  expect(paths).not.toContain('/actuator/health')
  expect(collector.spans.filter(({ traceId }) => unsampled.includes(traceId))).toEqual([])
  expect(collector.spans.filter(({ parentSpanId }) => parentSpanId === undefined)).toEqual([])
})

test('a collector that is away costs its spans and nothing else; new traces are taken by their share', async () => {
  const away = startCollector()
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: away.url, OTEL_TRACES_SAMPLER_ARG: '1' }
  const other = await world.start({ env })
  expect((await other.post(orderBody())).status).toBe(202)
  const root = await away.span(({ kind }) => kind === 'SERVER', 'a new trace')
  expect(root.parentSpanId).toBeUndefined()
  await away[Symbol.asyncDispose]()
  expect((await other.post(orderBody())).status).toBe(202)
  await other.logged('traces cannot be exported and are dropped')
  expect((await other.post(orderBody())).status).toBe(202)
  expect(await other.stop()).toBe(0)
})

test('what waits is exported at the end', async () => {
  const traceId = newTrace()
  await place({ traceparent: sampled(traceId) })
  await world.outboxEmpty()
  expect(await service.stop()).toBe(0)
  const kinds = () => new Set(collector.spans.filter((span) => span.traceId === traceId).map(({ kind }) => kind))
  await until(() => kinds().size === 2, { what: 'both spans' })
  expect(kinds()).toEqual(new Set(['PRODUCER', 'SERVER']))
})
