// Writes a number of hostile messages to the trade topic. The consumer must reach the end, every message must have its
// disposition, and the tables and the dead-letter topic must hold what the oracle says. A fault is shown with its message.

import { ProduceAcks, Producer } from '@platformatic/kafka'
import { randomStream } from '../support/random.ts'
import type { RunningService } from '../support/service.ts'
import { until } from '../support/until.ts'
import type { World } from '../support/world.ts'
import { createExpectation, type KnownOrder } from './expectedLedger.ts'
import type { Side } from './expectedTrade.ts'
import { messageOf, type Groups, type TradeMessage } from './tradeMessages.ts'
import { letterFaults, tableFaults, type TradeComplaint } from './tradeTables.ts'
import { shown, type Violation } from './violation.ts'

export type TradeRun = {
  world: World
  service: RunningService
  seed: string
  messages: number
  progress: (done: number) => void
}

export type TradeReport = { messages: number; dispositions: Record<string, number>; violations: Violation[] }

const messagesPerOrder = 50
const ordersMin = 30
const batchMax = 500
const placingAtOnce = 50
const violationsMax = 5
const topicBytesMax = '16777216'
const drainMs = 240_000

const place = async ({ service, seed }: TradeRun, number: number): Promise<KnownOrder> => {
  const rng = randomStream(`${seed}:order:${number}`)
  const [side, ticker, quantity] = [rng.pick<Side>(['BUY', 'SELL']), rng.pick(['AAPL', 'MSFT']), 20 + rng.below(150)]
  const terms = { userId: rng.uuid(), ticker, side, type: 'LIMIT', timeInForce: 'GTC', quantity, price: 101 }
  const reply = await service.post(terms)
  const id = String(reply.json['id'])
  const canceled = rng.chance(0.1)
  if (canceled) await service.http(`/orders/${id}/cancel`, { method: 'POST' })
  return { id, ticker, side, quantity: BigInt(quantity) * 100_000_000n, canceled }
}

const placeAll = async (run: TradeRun): Promise<KnownOrder[]> => {
  const count = Math.max(ordersMin, Math.ceil(run.messages / messagesPerOrder))
  const orders: KnownOrder[] = []
  for (let i = 0; i < count; i += placingAtOnce)
    orders.push(
      ...(await Promise.all(Array.from({ length: Math.min(placingAtOnce, count - i) }, (_, j) => place(run, i + j)))),
    )
  return orders
}

const openProducer = (bootstrap: string): Producer =>
  new Producer({
    clientId: 'fuzz',
    bootstrapBrokers: [bootstrap],
    acks: ProduceAcks.ALL,
    retries: 5,
    retryDelay: 200,
    timeout: 30_000,
  })

const sendAll = async (producer: Producer, topic: string, messages: readonly TradeMessage[]): Promise<void> => {
  await producer.send({
    messages: messages.map(({ partition, key, value, headers }) => ({
      topic,
      partition,
      ...(key === null ? {} : { key }),
      ...(value === null ? {} : { value }),
      headers: new Map(headers),
    })),
  })
}

type SentTrade = {
  sent: Map<string, TradeMessage>
  numbers: Map<string, number>
  ends: bigint[]
  take: (message: TradeMessage, at: string) => void
}

/** Publishes in the order of the numbers; within a partition that is the order of the offsets. */
const publish = async (run: TradeRun, groups: Groups, state: SentTrade): Promise<void> => {
  const { world, seed, messages, progress } = run
  const producer = openProducer(world.kafka.bootstrap)
  let batch: TradeMessage[] = []
  const flush = async (): Promise<void> => {
    if (batch.length > 0) await sendAll(producer, world.topics.trades, batch)
    batch = []
  }
  for (let number = 0; number < messages; number++) {
    const message = messageOf(seed, number, { groups, messages })
    const at = `${message.partition}-${state.ends[message.partition]!++}`
    state.sent.set(at, message)
    state.numbers.set(at, number)
    state.take(message, at)
    if ((message.value?.length ?? 0) > 100_000) await flush()
    batch.push(message)
    if (batch.length >= batchMax || (message.value?.length ?? 0) > 100_000) await flush()
    if (number % 5_000 === 0) progress(number)
  }
  await flush()
  await producer.close()
}

const consumed = ({ world }: TradeRun, ends: readonly bigint[]): Promise<boolean> =>
  until(
    async () =>
      (await world.kafka.committed(world.group, world.topics.trades)).every(
        (offset, partition) => offset >= ends[partition]!,
      ),
    { what: 'the consumer has no lag', deadlineMs: drainMs },
  )

const endsNow = async ({ world }: TradeRun): Promise<bigint[]> => {
  const ends = Array.from({ length: await world.kafka.partitionsOf(world.topics.trades) }, () => 0n)
  for (const { partition, offset } of await world.kafka.readAll(world.topics.trades)) ends[partition] = offset + 1n
  return ends
}

/** A message cannot be judged without those before it in its partition, so only the smallest faulty messages are shown. */
const smallestFirst = (complaints: readonly TradeComplaint[], { sent }: SentTrade): TradeComplaint[] => {
  const size = ({ at }: TradeComplaint): number => (at === null ? 0 : (sent.get(at)?.value?.length ?? 0))
  return complaints.toSorted((a, b) => size(a) - size(b))
}

const violationOf = ({ seed }: TradeRun, { what, at }: TradeComplaint, { sent, numbers }: SentTrade): Violation => {
  const message = at === null ? undefined : sent.get(at)
  if (at === null || message === undefined) return { what, seed, number: -1, input: '(no single message)' }
  const input = message.value === null ? '(a tombstone)' : shown(message.value)
  return { what, seed, number: numbers.get(at) ?? -1, input }
}

export const runTrades = async (run: TradeRun): Promise<TradeReport> => {
  const { world, messages } = run
  for (const topic of [world.topics.trades, world.topics.deadLetters])
    await world.kafka.alterTopic(topic, { 'max.message.bytes': topicBytesMax })
  const ends = await endsNow(run)
  const before = (await world.sql<{ id: string }[]>`select id from exceptions`).map(({ id }) => id)
  const orders = await placeAll(run)
  const groups = ends.map((_, partition) => orders.filter((_, i) => i % ends.length === partition))
  const byId = new Map(orders.map((order) => [order.id, order]))
  const { expected, take } = createExpectation(byId)
  const state: SentTrade = { sent: new Map(), numbers: new Map(), ends, take: ({ value }, at) => take(value, at) }
  await publish(run, groups, state)

  const stuck = await consumed(run, ends).then(() => null, String)
  const complaints =
    stuck === null
      ? [
          ...(await tableFaults(world.sql, { expected, orders: byId, sent: state.sent, before })),
          ...letterFaults(await world.kafka.read(world.topics.deadLetters), expected, state.sent),
        ]
      : [{ what: stuck, at: null }]
  const violations = smallestFirst(complaints, state)
    .slice(0, violationsMax)
    .map((complaint) => violationOf(run, complaint, state))
  return { messages, dispositions: expected.dispositions, violations }
}
