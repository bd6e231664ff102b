// The trades consumer: Kafka → ledger. Every leg has its disposition in the database (or its dead letter) before the offset of
// its message is committed, so a crash anywhere only means that messages come again.

import { createBell, sleep, type Bell } from '../app/sleep.ts'
import { describe, type Log } from '../log.ts'
import { createConsumer, type KafkaConfig, type RawConsumer, type RawMessage } from './client.ts'
import type { Batch } from './tradeBatch.ts'

export type TradesOptions = {
  kafka: KafkaConfig
  group: string
  topic: string
  /** Gives every leg of the messages its disposition; throws only when the signal is aborted. */
  process: Batch
  /** Batches at a time; the partitions are dealt out among them, so each partition stays in order. */
  lanes: number
  /** Messages a batch. */
  batchMax: number
  /** Messages and bytes that may wait in memory. */
  queueMax: number
  queueBytesMax: number
  log: Log
}

export type TradesState = { connected: boolean; queued: number; committed: number; rebuilds: number }
export type Trades = { run: (signal: AbortSignal) => Promise<void>; state: () => TradesState }

type Lane = { queue: RawMessage[]; bell: Bell }
/** What a queue needs of a stream: to hold it back and to let it go on. */
type Tap = { pause: () => unknown; resume: () => unknown; isPaused: () => boolean }
type Intake = { lanes: Lane[]; bytes: number; tap: Tap }

const rebuildPauseMs = 1_000
const idleMs = 1_000

const sizeOf = (message: RawMessage): number => (message.value?.length ?? 0) + (message.key?.length ?? 0)

const put = (
  intake: Intake,
  message: RawMessage,
  { queueMax, queueBytesMax }: TradesOptions,
  state: TradesState,
): void => {
  const lane = intake.lanes[message.partition % intake.lanes.length]!
  lane.queue.push(message)
  lane.bell.ring()
  state.queued++
  intake.bytes += sizeOf(message)
  if (state.queued >= queueMax || intake.bytes >= queueBytesMax) intake.tap.pause()
}

const take = (
  intake: Intake,
  lane: Lane,
  { batchMax, queueMax, queueBytesMax }: TradesOptions,
  state: TradesState,
): RawMessage[] => {
  const batch = lane.queue.splice(0, batchMax)
  state.queued -= batch.length
  for (const message of batch) intake.bytes -= sizeOf(message)
  if (intake.tap.isPaused() && state.queued < queueMax / 2 && intake.bytes < queueBytesMax / 2) intake.tap.resume()
  return batch
}

/** One commit for a batch: the offset after the last message of each of its partitions. */
const commitOffsets = async (consumer: RawConsumer, messages: readonly RawMessage[]): Promise<void> => {
  const last = new Map(messages.map((message) => [message.partition, message]))
  const offsets = [...last.values()].map(({ topic, partition, offset, leaderEpoch }) => ({
    topic,
    partition,
    offset: offset + 1n,
    leaderEpoch: leaderEpoch ?? -1,
  }))
  await consumer.commit({ offsets })
}

const runLane = async (
  lane: Lane,
  intake: Intake,
  consumer: RawConsumer,
  options: TradesOptions,
  state: TradesState,
  ending: AbortSignal,
): Promise<void> => {
  while (!ending.aborted) {
    if (lane.queue.length === 0) {
      await lane.bell.wait(idleMs, ending)
      continue
    }
    const batch = take(intake, lane, options, state)
    await options.process(batch, ending)
    try {
      await commitOffsets(consumer, batch)
      state.committed += batch.length
    } catch (error) {
      options.log.rarely(
        'warn',
        'offset commit',
        'offsets could not be committed; the messages will come again',
        describe(error),
      )
    }
  }
}

/** Consumes until the stream ends or fails, or `signal` is aborted; what was fetched but not processed will be fetched again. */
const consume = async (
  consumer: RawConsumer,
  options: TradesOptions,
  state: TradesState,
  signal: AbortSignal,
): Promise<void> => {
  const broken = new AbortController()
  const ending = AbortSignal.any([signal, broken.signal])
  let failure: unknown = null
  const fail = (error: unknown): void => {
    failure ??= error
    broken.abort()
  }
  const stream = await consumer.consume({ topics: [options.topic], mode: 'committed', fallbackMode: 'earliest' })
  const lanes = Array.from({ length: options.lanes }, () => ({ queue: [], bell: createBell() }))
  const intake: Intake = { lanes, bytes: 0, tap: stream }
  stream.on('error', fail)
  stream.on('close', () => fail(new Error('the stream of trades was closed')))
  stream.on('data', (message: RawMessage) => put(intake, message, options, state))
  state.connected = true
  try {
    await Promise.all(lanes.map((lane) => runLane(lane, intake, consumer, options, state, ending).catch(fail)))
  } finally {
    state.connected = false
    state.queued = 0
    await stream.close().catch(() => undefined)
  }
  if (!signal.aborted) throw failure
}

/** A consumer whose stream died keeps heartbeating, so the two are always built and closed together. */
const consumeOnce = async (options: TradesOptions, state: TradesState, signal: AbortSignal): Promise<void> => {
  const consumer = createConsumer(options.kafka, options.group)
  consumer.on('error', (error: Error) =>
    options.log.rarely('warn', 'consumer', 'the consumer of trades reports an error', describe(error)),
  )
  try {
    await consume(consumer, options, state, signal)
  } finally {
    await consumer.close(true).catch(() => undefined)
  }
}

export const createTrades = (options: TradesOptions): Trades => {
  const state: TradesState = { connected: false, queued: 0, committed: 0, rebuilds: 0 }
  return {
    state: () => state,
    async run(signal) {
      while (!signal.aborted) {
        try {
          await consumeOnce(options, state, signal)
        } catch (error) {
          if (signal.aborted) return
          state.rebuilds++
          options.log.rarely('warn', 'trades', 'the consumer of trades is built again', describe(error))
          await sleep(rebuildPauseMs, signal)
        }
      }
    },
  }
}
