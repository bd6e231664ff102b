// Writes the dead-letter topic: messages that cannot be decoded or name an unknown order, with the bytes as received and the reason in
// headers. A letter is sent at least once and acknowledged before the source's offset moves; repeats carry the same x-dead-letter-id.
// If a broker refuses a letter, the letter is tried in every form that the broker may take (letterForms.ts). A letter that is refused
// in every form does not hold up the others.

import { sleep } from '../../app/sleep.ts'
import type { Log } from '../../telemetry/log.ts'
import type { BatchProducer } from '../batchProducer.ts'
import { blameOf, mayBeOfBroker, refusalText } from '../blame.ts'
import { keyHash } from '../partition.ts'
import { inRequests, produce } from '../producer.ts'
import {
  firstForm,
  letterBytes,
  letterId,
  letterRecord,
  nextForm,
  type DeadLetter,
  type LetterForm,
} from './letterForms.ts'

export type { DeadLetter } from './letterForms.ts'

/** Letters of one partition of the source that were refused at least once and are not written yet. */
export type WaitingLetters = {
  topic: string
  partition: number
  letters: number
  /** The time since the first of them was refused. */
  waitedMs: number
  /** The broker's reason for refusing the letter that was refused last. */
  reason: string
}

export type DeadLetters = {
  /** Resolves when all letters are acknowledged, and tries until then. It gives up only when `signal` is aborted, and then throws. */
  send: (letters: readonly DeadLetter[], signal: AbortSignal) => Promise<void>
  /** The letters that wait now, by partition of the source. The offset of such a partition does not move. */
  state: () => WaitingLetters[]
}

/**
 * A letter that is not written yet. `clusterFailures`: how many of its tries failed because of the brokers and not of the letter. `doubtful`:
 * how many of these may have been the letter's fault.
 */
type PendingLetter = { letter: DeadLetter; clusterFailures: number; doubtful: number }
type LetterInForm = PendingLetter & { form: LetterForm }
/** `clusterFault`: the brokers are at fault, so the requests behind this one on the same partition need no try. */
type Failure = { pending: PendingLetter; error: unknown; clusterFault: boolean }

const firstPauseMs = 250
const longestPauseMs = 5_000
/** After so many failures of the brokers a letter leaves its own partition for others. */
const ownPartitionFailuresMax = 3

/** After so many failures that may have been the letter's fault, they are: before that nothing is left out for a fault that passes. */
const doubtfulMax = 4

/** `onFailed` is called after each request and not after the round, because a request to a hanging broker takes long. */
type Tools = {
  producer: BatchProducer
  topic: string
  log: Log
  now: () => Date
  onFailed: (failures: readonly Failure[]) => void
}

/** The partition for the key of the message; without a key, its message's own. If that stays unavailable, any other will do. */
const partitionFor = ({ letter: { key, source }, clusterFailures }: PendingLetter, partitions: number): number =>
  ((key === null ? source.partition : keyHash(key)) + Math.max(0, clusterFailures - ownPartitionFailuresMax)) %
  partitions

const logLeftOut = ({ log }: Tools, { letter, form }: LetterInForm): void => {
  const leftOut = form.cuts[0]!
  if (leftOut.length === 0) return
  const { topic, partition, offset } = letter.source
  const fields = { topic, partition, offset: String(offset), leftOut: leftOut.join() }
  log.error('a dead letter cannot be written whole: a part of it is left out', fields)
}

const failedFor = (error: unknown, { letter, clusterFailures, doubtful }: PendingLetter): Failure => ({
  pending: { letter, clusterFailures: clusterFailures + 1, doubtful: doubtful + Number(mayBeOfBroker(error)) },
  error,
  clusterFault: true,
})

/** Writes letters to one partition. It halves a refused request until the letter at fault is alone, and tries that in its other forms. */
const write = async (tools: Tools, partition: number, letters: readonly LetterInForm[]): Promise<Failure[]> => {
  const [first] = letters
  try {
    const records = letters.map(({ letter, form }) => letterRecord(letter, form))
    await produce(tools.producer, { topic: tools.topic, partition, records, once: true })
    for (const each of letters) logLeftOut(tools, each)
    return []
  } catch (error) {
    const blame = blameOf(error)
    const mayPass = mayBeOfBroker(error) && letters.some(({ doubtful }) => doubtful < doubtfulMax)
    if (blame === null || mayPass) return letters.map((each) => failedFor(error, each))
    if (letters.length > 1) {
      const half = letters.length >> 1
      const failures = await write(tools, partition, letters.slice(0, half))
      return [...failures, ...(await write(tools, partition, letters.slice(half)))]
    }
    const { form: refused, ...pending } = first!
    const form = nextForm(pending.letter, refused, blame)
    if (form === null) return [{ pending, error, clusterFault: false }]
    if (blame === 'timestamp') logClockFault(tools, first!, error)
    return write(tools, partition, [{ ...pending, form }])
  }
}

/** Logs that a broker refused a time of our own clock; a refused time of the message says nothing about our clock. */
const logClockFault = ({ log }: Tools, { letter, form }: LetterInForm, error: unknown): void => {
  if (form.stamps[0]! > letter.timestamp)
    log.rarely('error', 'letters clock', 'the clock of this replica is wrong: a broker refuses it', {
      error: refusalText(error),
    })
}

/** Writes the letters of one partition, request by request. */
const writeRun = async (tools: Tools, partition: number, letters: readonly LetterInForm[]): Promise<Failure[]> => {
  const failures: Failure[] = []
  for (const request of inRequests(letters, ({ letter }) => letterBytes(letter))) {
    const earlier = failures.findLast((failure) => failure.clusterFault)
    const failed =
      earlier === undefined
        ? await write(tools, partition, request)
        : request.map((each) => failedFor(earlier.error, each))
    tools.onFailed(failed)
    failures.push(...failed)
  }
  return failures
}

/** Tries each letter once; returns the failures. */
const round = async (tools: Tools, pending: readonly PendingLetter[]): Promise<Failure[]> => {
  try {
    const failedBefore = pending.some(({ clusterFailures }) => clusterFailures > 0)
    const partitions = await tools.producer.partitionsOf(tools.topic, failedBefore)
    const at = tools.now()
    const inForm = pending.map((each): LetterInForm => ({ ...each, form: firstForm(each.letter, at) }))
    const runs = Map.groupBy(inForm, (each) => partitionFor(each, partitions))
    return (await Promise.all([...runs].map(([partition, letters]) => writeRun(tools, partition, letters)))).flat()
  } catch (error) {
    return pending.map((each) => failedFor(error, each))
  }
}

type Waiting = Map<DeadLetter, { sinceMs: number; reason: string }>

const stateOf = (waiting: Waiting): WaitingLetters[] =>
  [...Map.groupBy(waiting, ([{ source }]) => `${source.topic}-${source.partition}`).values()].map((letters) => {
    const { topic, partition } = letters[0]![0].source
    const sinceMs = Math.min(...letters.map(([, each]) => each.sinceMs))
    const waitedMs = Math.round(performance.now() - sinceMs)
    return { topic, partition, letters: letters.length, waitedMs, reason: letters.at(-1)![1].reason }
  })

export const createDeadLetters = (
  producer: BatchProducer,
  topic: string,
  { log, now }: { log: Log; now: () => Date },
): DeadLetters => {
  const waiting: Waiting = new Map()
  const onFailed = (failures: readonly Failure[]): void => {
    for (const { pending, error } of failures) {
      const sinceMs = waiting.get(pending.letter)?.sinceMs ?? performance.now()
      waiting.set(pending.letter, { sinceMs, reason: refusalText(error) })
    }
  }
  const tools: Tools = { producer, topic, log, now, onFailed }
  /** Call it after a round: letters that failed in it wait, the others are written. */
  const updateWaiting = (pending: readonly PendingLetter[], failures: readonly Failure[]): void => {
    onFailed(failures)
    const failed = new Set(failures.map((failure) => failure.pending.letter))
    for (const { letter } of pending) if (!failed.has(letter)) waiting.delete(letter)
  }

  return {
    state: () => stateOf(waiting),
    async send(letters, signal) {
      let pending: readonly PendingLetter[] = letters.map((letter) => ({ letter, clusterFailures: 0, doubtful: 0 }))
      try {
        for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(longestPauseMs, pauseMs * 2)) {
          const failures = await round(tools, pending)
          updateWaiting(pending, failures)
          const [first] = failures
          if (first === undefined) return
          if (signal.aborted) throw first.error
          log.rarely('error', 'dead letters', 'dead letters cannot be written; their partitions wait', {
            partitions: stateOf(waiting).map((each) => `${each.topic}-${each.partition}`),
            letters: waiting.size,
            first: letterId(first.pending.letter),
            error: refusalText(first.error),
          })
          await sleep(pauseMs, signal)
          pending = failures.map((failure) => failure.pending)
        }
      } finally {
        for (const { letter } of pending) waiting.delete(letter)
      }
    },
  }
}
