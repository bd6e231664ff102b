// Sends record batches to the leaders of their partitions: what is submitted in one turn of the event loop goes to each broker as one
// request, and every partition has its own outcome. A partition has one batch under way at a time, so a batch that is repeated is never
// overtaken. A leader that moved is looked up, and its partitions alone are repeated.

import { sleep } from '../app/sleep.ts'
import { blameOf, PartitionUnavailable } from './blame.ts'
import { createBrokerRequests, type BrokerRequests, type RequestOptions } from './brokerRequests.ts'
import type { Broker, Leaders } from './leaders.ts'
import { findErrorBy, ProtocolError } from './library.ts'
import { partKey, type Part } from './produceRequest.ts'

export type BatchProducer = {
  /** The number of partitions of a topic. `fresh`: as the brokers say now. Rejects with PartitionUnavailable if none can say. */
  partitionsOf: (topic: string, fresh?: boolean) => Promise<number>
  /**
   * Resolves when all in-sync replicas have the batch. Rejects if a broker refuses its records, if the partition is not there, or if no
   * repetition helped until the time-out. `once`: it is not repeated after an error.
   */
  send: (batch: Part & { readonly once?: boolean }) => Promise<void>
  close: () => Promise<void>
}

/** `close`: of whoever asks for the leaders. A batch is repeated for `requestTimeoutMs`. */
type ProducerOptions = Omit<RequestOptions, 'lateMs'> & {
  leaders: Leaders
  close: () => Promise<void>
  lateMs?: number
}

const lateMsDefault = 1_000
const pauseMs = { first: 50, longest: 1_000 }

/** `giveUpAt`: no repetition begins later. `pauseMs`: before the next one. */
type Entry = Part & {
  readonly once: boolean
  readonly giveUpAt: number
  pauseMs: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}
/** `queues`: the batches of a partition, of which the first one is under way. `ready`: what goes out at the end of this turn. */
type State = {
  readonly leaders: Leaders
  readonly queues: Map<string, Entry[]>
  ready: Entry[]
  readonly requests: BrokerRequests<Entry>
  closed: boolean
}

const submit = (state: State, entry: Entry): void => {
  if (state.ready.push(entry) === 1) queueMicrotask(() => flush(state))
}

/** Takes the first batch of a partition off its queue; the next one begins. */
const finish = (state: State, entry: Entry): void => {
  const key = partKey(entry)
  const queue = state.queues.get(key)!
  queue.shift()
  const [next] = queue
  if (next === undefined) state.queues.delete(key)
  else submit(state, next)
}

const repeat = async (state: State, entry: Entry): Promise<void> => {
  await sleep(entry.pauseMs)
  entry.pauseMs = Math.min(pauseMs.longest, entry.pauseMs * 2)
  // If nobody can say who leads, the flush finds that out too.
  await state.leaders.asked(entry.topic).catch(() => undefined)
  submit(state, entry)
}

const isFinal = (error: unknown): boolean =>
  error instanceof PartitionUnavailable ||
  blameOf(error) !== null ||
  findErrorBy(error as Error, 'canRetry', false) !== null

const settle = (state: State, entry: Entry, error: unknown): void => {
  const isLate = performance.now() + entry.pauseMs > entry.giveUpAt
  if (error !== null && !(entry.once || isLate || state.closed || isFinal(error))) return void repeat(state, entry)
  if (error === null) entry.resolve()
  else entry.reject(error)
  finish(state, entry)
}

/** The leader of a partition. Null if that is not known now: the entry is then submitted again, or settled. */
const leaderOf = (state: State, entry: Entry): Broker | null => {
  const { topic, partition } = entry
  const known = state.leaders.known(topic)
  if (known === null) {
    state.leaders.of(topic).then(
      () => submit(state, entry),
      (error: unknown) => settle(state, entry, error),
    )
    return null
  }
  if (partition >= known.length) {
    const error = new PartitionUnavailable(`${topic} has ${known.length} partitions: partition ${partition} is gone`)
    settle(state, entry, error)
    return null
  }
  const leader = known[partition]!
  if (leader === null) settle(state, entry, new ProtocolError('LEADER_NOT_AVAILABLE'))
  return leader
}

const flush = (state: State): void => {
  const entries = state.ready
  state.ready = []
  const byBroker = new Map<number, { broker: Broker; own: Entry[] }>()
  for (const entry of entries) {
    const broker = leaderOf(state, entry)
    if (broker === null) continue
    const led = byBroker.get(broker.id)
    if (led === undefined) byBroker.set(broker.id, { broker, own: [entry] })
    else led.own.push(entry)
  }
  for (const { broker, own } of byBroker.values()) state.requests.send(broker, own)
}

export const createBatchProducer = (options: ProducerOptions): BatchProducer => {
  const { leaders, requestTimeoutMs, lateMs = lateMsDefault } = options
  const requests = createBrokerRequests<Entry>({
    ...options,
    lateMs,
    onOutcome: (entry, error) => settle(state, entry, error),
    onAbandoned: (entry) => submit(state, entry),
  })
  const state: State = { leaders, queues: new Map(), ready: [], requests, closed: false }
  return {
    partitionsOf: async (topic, fresh = false) => (await (fresh ? leaders.asked(topic) : leaders.of(topic))).length,
    send: ({ once = false, ...part }) =>
      new Promise((resolve, reject) => {
        const giveUpAt = performance.now() + requestTimeoutMs
        const entry: Entry = { ...part, once, giveUpAt, pauseMs: pauseMs.first, resolve, reject }
        const key = partKey(entry)
        const queue = state.queues.get(key)
        if (queue !== undefined) return void queue.push(entry)
        state.queues.set(key, [entry])
        submit(state, entry)
      }),
    async close() {
      state.closed = true
      requests.close()
      await options.close()
    },
  }
}
