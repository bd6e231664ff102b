// The fake Kafka: logs that are only appended to, and the outages of brokers and partition leaders.

import { NetworkError, ProtocolError } from '@platformatic/kafka'
import type { RawProducer } from '../../../src/kafka/client.ts'
import type { Owner } from '../scheduler.ts'
import { fateOf, strayMs, travel, type World } from '../world.ts'

export const topics = {
  placed: 'order.placed.v1',
  cancelled: 'order.cancelled.v1',
  trades: 'trade.executed.v1',
  deadLetters: 'trade.executed.v1.dlq',
  reports: 'order.report.v1',
  reportLetters: 'order.report.v1.dlq',
}

type Outgoing = { topic: string; partition: number; key?: Buffer; value: Buffer | null; headers?: Map<Buffer, Buffer> }

export type LogRecord = {
  key: string
  value: Buffer | null
  headers: Map<string, string>
  sentAt: number
  appendedAt: number
}

export type Broker = {
  logs: Map<string, LogRecord[][]>
  down: boolean
  /** Tickers whose records are refused, as too large. */
  poisoned: Set<string>
  /** `topic-partition`s without a leader. */
  leaderless: Set<string>
  /** When the first acknowledgement of an event reached a replica that was alive, by event id. */
  acknowledgedAt: Map<string, number>
  append: (topic: string, partition: number, records: readonly LogRecord[]) => bigint
}

export const createBroker = (partitions: World['plan']['partitions'], now: () => number): Broker => {
  const counts = { ...partitions, deadLetters: 2, reportLetters: 1 }
  const logs = new Map(
    Object.entries(topics).map(([name, topic]) => [
      topic,
      Array.from({ length: counts[name as keyof typeof counts] }, (): LogRecord[] => []),
    ]),
  )
  return {
    logs,
    down: false,
    poisoned: new Set(),
    leaderless: new Set(),
    acknowledgedAt: new Map(),
    append(topic, partition, records) {
      const log = logs.get(topic)![partition]!
      for (const record of records) log.push({ ...record, appendedAt: now() })
      return BigInt(log.length - records.length)
    },
  }
}

const broker: Owner = { name: 'broker', alive: true }

const recordOf = ({ key, value, headers }: Outgoing, sentAt: number): LogRecord => ({
  key: key?.toString() ?? '',
  value,
  headers: new Map([...(headers ?? [])].map(([name, text]) => [name.toString(), text.toString()])),
  sentAt,
  appendedAt: sentAt,
})

const away = () => new NetworkError('the broker does not answer')

/** Why the broker would not append these now. */
const refusalOf = ({ broker: kafka }: World, topic: string, partition: number, records: readonly LogRecord[]) => {
  if (kafka.down) return away()
  if (kafka.leaderless.has(`${topic}-${partition}`)) return new ProtocolError('NOT_LEADER_OR_FOLLOWER')
  if (records.some(({ key }) => kafka.poisoned.has(key))) return new ProtocolError('MESSAGE_TOO_LARGE')
  return null
}

/** One produce request: all of it is appended at once, or nothing; the sender does not always learn which. */
const produce = (world: World, owner: Owner, messages: readonly Outgoing[]): Promise<void> =>
  new Promise((resolve, reject) => {
    const { scheduler, broker: kafka, log } = world
    const [{ topic, partition }] = messages as [Outgoing]
    const records = messages.map((message) => recordOf(message, scheduler.now()))
    const name = `${topic}-${partition} ${records.map((record) => record.headers.get('eventId') ?? record.key).join(' ')}`
    const fate = fateOf(world, world.plan.sends)
    log(`send ${name}${fate === 'fine' ? '' : ` will be ${fate}`}`)

    const append = (): Error | null => {
      const refusal = refusalOf(world, topic, partition, records)
      if (refusal === null) {
        const at = kafka.append(topic, partition, records)
        log(`appended at ${at}: ${name}`)
      }
      return refusal
    }
    const acknowledge = (): void => {
      for (const { headers } of records) {
        const id = headers.get('eventId')
        if (id !== undefined && !kafka.acknowledgedAt.has(id)) kafka.acknowledgedAt.set(id, scheduler.now())
      }
      resolve()
    }
    const fail = (error: Error) => travel(world, owner, () => reject(error))
    const arrive = (): void => {
      if (fate === 'canceled') return fail(new ProtocolError('NOT_ENOUGH_REPLICAS'))
      const refusal = append()
      if (refusal !== null) return fail(refusal)
      // The library repeats a request whose answer was lost before it gives up.
      if (fate === 'silent') append()
      if (fate === 'lost') scheduler.after(100, owner, () => fail(away()))
      else
        scheduler.after(world.random.next() * world.plan.acknowledgeMaxMs, broker, () =>
          travel(world, owner, acknowledge),
        )
    }
    if (fate === 'refused' || fate === 'dropped') return fail(away())
    if (fate === 'stray') {
      scheduler.after(strayMs(world), broker, append)
      return fail(away())
    }
    travel(world, broker, arrive)
  })

/** A producer with the methods that the service uses. */
export const createProducer = (world: World, owner: Owner): RawProducer => {
  const metadata = ({ topics: names }: { topics: string[] }): Promise<object> =>
    new Promise((resolve, reject) =>
      travel(world, owner, () => {
        if (world.broker.down) return reject(away())
        const counts = names.map((topic) => [topic, { partitionsCount: world.broker.logs.get(topic)!.length }] as const)
        resolve({ topics: new Map(counts) })
      }),
    )
  const send = ({ messages }: { messages: readonly Outgoing[] }) => produce(world, owner, messages)
  return { metadata, send } as unknown as RawProducer
}
