// The fake Kafka: logs that are only appended to, and the outages of brokers and partition leaders. It reads requests and records with
// the library's own readers.

import { NetworkError, Reader, readRecordsBatch, Writer, type Connection } from '@platformatic/kafka'
import { createBatchProducer, type BatchProducer } from '../../../src/kafka/batchProducer.ts'
import { createLeaders } from '../../../src/kafka/leaders.ts'
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

/** The records of one partition in a request. */
type Part = { topic: string; partition: number; records: readonly LogRecord[] }

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

/** Two brokers lead the partitions by turns. */
const brokers = new Map([0, 1].map((id) => [id, { host: 'broker', port: id, rack: null }]))

const partsOf = (request: Buffer, sentAt: number): Part[] => {
  const reader = Reader.from(request)
  reader.readNullableString()
  reader.readInt16()
  reader.readInt32()
  return reader
    .readArray((ofTopic) => {
      const topic = ofTopic.readString()
      return ofTopic.readArray((ofPart) => {
        const partition = ofPart.readInt32()
        const { records } = readRecordsBatch(Reader.from(ofPart.readBytes()))
        return { topic, partition, records: records.map((record) => recordOf(record, sentAt)) }
      })
    })
    .flat()
}

const recordOf = (
  { key, value, headers }: ReturnType<typeof readRecordsBatch>['records'][number],
  sentAt: number,
): LogRecord => ({
  key: key?.toString() ?? '',
  value,
  headers: new Map(headers.map(([name, text]) => [String(name), String(text)])),
  sentAt,
  appendedAt: sentAt,
})

type Answer = { topic: string; partition: number; code: number }

/** Version 9, as the broker writes it. */
const answerOf = (answers: readonly Answer[]): Reader => {
  const topics = [...Map.groupBy(answers, ({ topic }) => topic)]
  const writer = Writer.create().appendArray(topics, (ofTopic, [topic, own]) => {
    ofTopic.appendString(topic).appendArray(own, (ofPart, { partition, code }) => {
      ofPart.appendInt32(partition).appendInt16(code).appendInt64(0n).appendInt64(-1n).appendInt64(0n)
      ofPart.appendArray([], () => undefined).appendString(null)
    })
  })
  return Reader.from(writer.appendInt32(0).appendTaggedFields())
}

/** The protocol's codes of refusals. */
const codes = { notLeader: 6, tooLarge: 10, notEnoughReplicas: 19 }

const away = () => new NetworkError('the broker does not answer')

/** The code of the broker's refusal to append these now; 0: it appends them. */
const refusalOf = ({ broker: kafka }: World, { topic, partition, records }: Part): number => {
  if (kafka.leaderless.has(`${topic}-${partition}`)) return codes.notLeader
  if (records.some(({ key }) => kafka.poisoned.has(key))) return codes.tooLarge
  return 0
}

/**
 * One produce request: each partition is appended whole, or refused; the sender does not always learn which. An answer may be so late that
 * the sender no longer waits for it.
 */
const produce = (
  world: World,
  owner: Owner,
  parts: readonly Part[],
  { answered, failed }: { answered: (answers: readonly Answer[]) => Promise<void>; failed: (error: Error) => void },
): void => {
  const { scheduler, broker: kafka, log } = world
  const nameOf = ({ topic, partition, records }: Part): string =>
    `${topic}-${partition} ${records.map((record) => record.headers.get('eventId') ?? record.key).join(' ')}`
  const name = parts.map(nameOf).join(', ')
  const fate = fateOf(world, world.plan.sends)
  log(`send ${name}${fate === 'fine' ? '' : ` will be ${fate}`}`)

  const append = (): Answer[] =>
    parts.map((part) => {
      const { topic, partition, records } = part
      const code = refusalOf(world, part)
      if (code === 0) log(`appended at ${kafka.append(topic, partition, records)}: ${nameOf(part)}`)
      return { topic, partition, code }
    })
  const acknowledge = (answers: Answer[]): void => {
    const acked = parts.filter((_, i) => answers[i]!.code === 0)
    for (const { headers } of acked.flatMap(({ records }) => records)) {
      const id = headers.get('eventId')
      if (id !== undefined && !kafka.acknowledgedAt.has(id)) kafka.acknowledgedAt.set(id, scheduler.now())
    }
    void answered(answers)
  }
  const fail = (error: Error) => travel(world, owner, () => failed(error))
  const arrive = (): void => {
    if (kafka.down) return fail(away())
    if (fate === 'canceled') {
      const code = codes.notEnoughReplicas
      return travel(world, owner, () => void answered(parts.map((part) => ({ ...part, code }))))
    }
    const answers = append()
    // A broker that was slow to answer got the request once more.
    if (fate === 'silent') append()
    if (fate === 'lost') scheduler.after(world.random.pick([100, 4_000]), owner, () => fail(away()))
    else
      scheduler.after(world.random.next() * world.plan.acknowledgeMaxMs, broker, () =>
        travel(world, owner, () => acknowledge(answers)),
      )
  }
  if (fate === 'refused' || fate === 'dropped') return fail(away())
  if (fate === 'stray') {
    scheduler.after(strayMs(world), broker, append)
    return fail(away())
  }
  travel(world, broker, arrive)
}

/** A connection with the method that the service uses. */
const connectionOf = (world: World, owner: Owner): Pick<Connection, 'send'> => ({
  send(apiKey, version, createPayload, parse, _request, _response, callback) {
    const { buffer } = createPayload() as Writer
    const parsed = (answers: readonly Answer[]) => parse(0, apiKey, version, answerOf(answers))
    produce(world, owner, partsOf(buffer, world.scheduler.now()), {
      answered: async (answers) => callback(null, await parsed(answers)),
      failed: (error) => callback(error),
    })
  },
})

/** The service's producer, on this broker. */
export const createProducer = (world: World, owner: Owner): BatchProducer => {
  const metadata: Parameters<typeof createLeaders>[0]['metadata'] = ({ topics: names }) =>
    new Promise((resolve, reject) =>
      travel(world, owner, () => {
        if (world.broker.down) return reject(away())
        const topics = new Map(
          names.map((topic) => {
            const { length } = world.broker.logs.get(topic)!
            const partitions = Array.from({ length }, (_, partition) => ({
              leader: partition % brokers.size,
              leaderEpoch: 0,
              replicas: [],
              isr: [],
              offlineReplicas: [],
            }))
            return [topic, { id: topic, partitions, partitionsCount: length, lastUpdate: 0 }]
          }),
        )
        resolve({ brokers, topics })
      }),
    )
  return createBatchProducer({
    leaders: createLeaders({ metadata }),
    version: () => Promise.resolve(9),
    openLane: () => ({ connection: () => Promise.resolve(connectionOf(world, owner)), close: () => undefined }),
    requestTimeoutMs: 3_000,
    close: () => Promise.resolve(),
  })
}
