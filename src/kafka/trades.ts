// The trades consumer: Kafka → ledger. Every leg has its disposition in the database (or its dead letter) before the offset of
// its message is committed, so a crash anywhere only means that messages come again.

import { passCrashPoint } from '../crashPoint.ts'
import { sleep } from '../app/sleep.ts'
import { describe, type Log } from '../log.ts'
import { createConsumer, type KafkaConfig, type RawConsumer, type RawMessage } from './client.ts'
import { createCommits, type Commits } from './commits.ts'
import { createIntake, type Intake, type IntakeLimits, type Lane } from './intake.ts'
import type { Batch, Finish } from './tradeBatch.ts'
import { createLag, type Lag, type PartitionLag } from './lag.ts'
import { watch } from './watchdog.ts'

export type TradesOptions = {
  kafka: KafkaConfig
  group: string
  topic: string
  /** Gives every leg of the messages its disposition; throws only when the signal is aborted. */
  process: Batch
  /** Messages a batch. */
  batchMax: number
  limits: IntakeLimits
  log: Log
}

/** `lag`: of the partitions that are assigned to this replica. */
type TradesState = {
  connected: boolean
  queued: number
  committed: number
  rebuilds: number
  lag: readonly PartitionLag[]
}
export type Trades = { run: (signal: AbortSignal) => Promise<void>; state: () => TradesState }

/** What outlives a consumer. `forgiven`: see watchdog.ts. */
type Running = {
  options: TradesOptions
  connect: typeof createConsumer
  forgiven: Set<string>
  intake: Intake | null
  lag: Lag | null
  committed: number
  rebuilds: number
}

const rebuildPauseMs = 1_000
const idleMs = 1_000

type LaneOptions = {
  process: Batch
  batchMax: number
  intake: Intake
  lane: Lane
  commits: Commits
  ending: AbortSignal
  fail: (error: unknown) => void
}

/**
 * One lane: its partitions' messages in their order, a batch at a time, until `ending`. A batch is applied while the letters of the
 * one before and the offsets of others are on their way: a crash between only means that messages come again.
 */
const runLane = async ({ process, batchMax, intake, lane, commits, ending, fail }: LaneOptions): Promise<void> => {
  let finished: Promise<void> = Promise.resolve()
  const finishing = async (finish: Finish, batch: readonly RawMessage[]): Promise<void> => {
    await finish()
    passCrashPoint('after-ledger-before-offset')
    commits.put(batch)
  }
  while (!ending.aborted) {
    const batch = intake.take(lane, batchMax)
    if (batch.length === 0) await lane.bell.wait(idleMs, ending)
    else {
      const finish = await process(batch, ending)
      await finished
      finished = finishing(finish, batch)
      // Told at once: no other batch may come for long.
      finished.catch(fail)
    }
  }
  await finished
}

/** Consumes until the stream ends or fails, or `signal` is aborted; what was fetched but not processed will be fetched again. */
const consume = async (consumer: RawConsumer, running: Running, signal: AbortSignal): Promise<void> => {
  const { options, forgiven } = running
  const { batchMax } = options
  const broken = new AbortController()
  const ending = AbortSignal.any([signal, broken.signal])
  let failure: unknown = null
  const fail = (error: unknown): void => {
    failure ??= error
    broken.abort()
  }
  const stream = await consumer.consume({ topics: [options.topic], mode: 'committed', fallbackMode: 'earliest' })
  const intake = createIntake(stream, options.limits)
  const onCommitted = (messages: number): void => void (running.committed += messages)
  const commits = createCommits(consumer, { onCommitted, log: options.log })
  let underWay = 0
  const counted = async <T>(work: () => Promise<T>): Promise<T> => {
    underWay++
    return work().finally(() => underWay--)
  }
  const process: Batch = async (batch, signal) => {
    const finish = await counted(() => options.process(batch, signal))
    return () => counted(finish)
  }
  stream.on('error', fail)
  stream.on('close', () => fail(new Error('the stream of trades was closed')))
  stream.on('data', (message: RawMessage) => intake.put(message))
  const read = { consumer, topic: options.topic, nextOffsets: () => stream.offsetsToFetch }
  running.intake = intake
  running.lag = createLag(read, intake)
  try {
    const watched = {
      ...read,
      // A batch that waits for Postgres is no silence.
      silentMs: () => (underWay > 0 ? 0 : intake.silentMs()),
    }
    const watching = watch(watched, {
      forgiven,
      onStall: () => fail(new Error('the stream of trades stalled')),
      signal: ending,
    })
    await Promise.all([
      watching,
      running.lag.run(ending),
      ...intake.lanes.map((lane) => runLane({ process, batchMax, intake, lane, commits, ending, fail }).catch(fail)),
    ])
  } finally {
    running.intake = null
    running.lag = null
    await commits.settled()
    await stream.close().catch(() => undefined)
  }
  if (!signal.aborted) throw failure
}

/** A consumer whose stream died keeps heartbeating, so the two are always built and closed together. */
const consumeOnce = async (running: Running, signal: AbortSignal): Promise<void> => {
  const { kafka, group, log } = running.options
  const consumer = running.connect(kafka, group)
  consumer.on('error', (error: Error) =>
    log.rarely('warn', 'consumer', 'the consumer of trades reports an error', describe(error)),
  )
  try {
    await consume(consumer, running, signal)
  } finally {
    await consumer.close(true).catch(() => undefined)
  }
}

/** `connect` is for the simulation (tests/sim), which has a consumer group of its own. */
export const createTrades = (options: TradesOptions, connect = createConsumer): Trades => {
  const running: Running = { options, connect, forgiven: new Set(), intake: null, lag: null, committed: 0, rebuilds: 0 }
  return {
    state: () => ({
      connected: running.intake !== null,
      queued: running.intake?.queued() ?? 0,
      committed: running.committed,
      rebuilds: running.rebuilds,
      lag: running.lag?.now() ?? [],
    }),
    async run(signal) {
      while (!signal.aborted) {
        try {
          await consumeOnce(running, signal)
        } catch (error) {
          if (signal.aborted) return
          running.rebuilds++
          options.log.rarely('warn', 'trades', 'the consumer of trades is built again', describe(error))
          await sleep(rebuildPauseMs, signal)
        }
      }
    },
  }
}
