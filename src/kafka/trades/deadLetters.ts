// The dead-letter topic: messages that cannot be decoded or name an unknown order, with the bytes as received and the reason in
// headers. Sent at least once, acknowledged before the source's offset moves; repeats carry the same x-dead-letter-id. What a broker
// refuses is tried in every form that it may take (letterForms.ts); a letter that it takes in none holds up no other.

import { sleep } from '../../app/sleep.ts'
import type { Log } from '../../telemetry/log.ts'
import type { RawProducer } from '../client.ts'
import { keyHash } from '../partition.ts'
import { blameOf, inRequests, partitionsOf, produce, refusalWords } from '../producer.ts'
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
  /** Since the first of them was refused. */
  waitedMs: number
  /** What the broker said of the letter that was refused last. */
  reason: string
}

export type DeadLetters = {
  /** Resolves when all are acknowledged. Tries until then; gives up only when `signal` is aborted, by throwing. */
  send: (letters: readonly DeadLetter[], signal: AbortSignal) => Promise<void>
  /** The letters that wait now, by partition of the source. The offsets of such a partition stand still. */
  state: () => WaitingLetters[]
}

/** `turn`: how often the brokers, and not the letter, were the cause. */
type Open = { letter: DeadLetter; turn: number }
type Addressed = Open & { form: LetterForm }
/** `away`: the brokers are at fault, and what stands behind it on its partition needs no try. */
type Failure = { open: Open; error: unknown; away: boolean }

const firstPauseMs = 250
const longestPauseMs = 5_000
/** Tries of the partition that a letter belongs to. */
const homeTurns = 3

/** `onFailed` is called at once, for a request to a broker that hangs takes long. */
type Tools = {
  producer: RawProducer
  topic: string
  log: Log
  now: () => Date
  onFailed: (failures: readonly Failure[]) => void
}

/** By its message's key, or the partition of its message. If that partition stays away, any other will do for a dead letter. */
const partitionFor = ({ letter: { key, source }, turn }: Open, partitions: number): number =>
  ((key === null ? source.partition : keyHash(key)) + Math.max(0, turn - homeTurns)) % partitions

const noteForm = ({ log }: Tools, { letter, form }: Addressed): void => {
  const leftOut = form.cuts[0]!
  if (leftOut.length === 0) return
  const { topic, partition, offset } = letter.source
  const fields = { topic, partition, offset: String(offset), leftOut: leftOut.join() }
  log.error('a dead letter does not fit into its topic: a part of it is left out', fields)
}

const failedFor = (error: unknown, { letter, turn }: Open): Failure => ({
  open: { letter, turn: turn + 1 },
  error,
  away: true,
})

/** Writes them to one partition; halves what is refused until the guilty one stands alone, and tries that in its other forms. */
const write = async (tools: Tools, partition: number, letters: readonly Addressed[]): Promise<Failure[]> => {
  const [first] = letters
  try {
    const records = letters.map(({ letter, form }) => letterRecord(letter, form))
    await produce(tools.producer, { topic: tools.topic, partition, records, triesMax: 1 })
    for (const each of letters) noteForm(tools, each)
    return []
  } catch (error) {
    const blame = blameOf(error)
    if (blame === null) return letters.map((each) => failedFor(error, each))
    if (letters.length > 1) {
      const half = letters.length >> 1
      const failures = await write(tools, partition, letters.slice(0, half))
      return [...failures, ...(await write(tools, partition, letters.slice(half)))]
    }
    const form = nextForm(first!.letter, first!.form, blame)
    if (form === null) return [{ open: { letter: first!.letter, turn: first!.turn }, error, away: false }]
    if (blame === 'timestamp') noteStamp(tools, first!, error)
    return write(tools, partition, [{ ...first!, form }])
  }
}

/** A time of our own that is refused, and not only that of a message from the future. */
const noteStamp = ({ log }: Tools, { letter, form }: Addressed, error: unknown): void => {
  if (form.stamps[0]! > letter.timestamp)
    log.rarely('error', 'letters clock', 'the clock of this replica is wrong: a broker refuses it', {
      error: refusalWords(error),
    })
}

/** What belongs to one partition, request by request. */
const writeRun = async (tools: Tools, partition: number, letters: readonly Addressed[]): Promise<Failure[]> => {
  const failures: Failure[] = []
  for (const request of inRequests(letters, ({ letter }) => letterBytes(letter))) {
    const away = failures.findLast((failure) => failure.away)
    const failed =
      away === undefined ? await write(tools, partition, request) : request.map((each) => failedFor(away.error, each))
    tools.onFailed(failed)
    failures.push(...failed)
  }
  return failures
}

/** One try of each; answers those that are not written. */
const round = async (tools: Tools, open: readonly Open[]): Promise<Failure[]> => {
  try {
    const partitions = await partitionsOf(
      tools.producer,
      tools.topic,
      open.some(({ turn }) => turn > 0),
    )
    const at = tools.now()
    const addressed = open.map((each): Addressed => ({ ...each, form: firstForm(each.letter, at) }))
    const runs = Map.groupBy(addressed, (each) => partitionFor(each, partitions))
    return (await Promise.all([...runs].map(([partition, letters]) => writeRun(tools, partition, letters)))).flat()
  } catch (error) {
    return open.map((each) => failedFor(error, each))
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
  producer: RawProducer,
  topic: string,
  { log, now }: { log: Log; now: () => Date },
): DeadLetters => {
  const waiting: Waiting = new Map()
  const onFailed = (failures: readonly Failure[]): void => {
    for (const { open, error } of failures) {
      const sinceMs = waiting.get(open.letter)?.sinceMs ?? performance.now()
      waiting.set(open.letter, { sinceMs, reason: refusalWords(error) })
    }
  }
  const tools: Tools = { producer, topic, log, now, onFailed }
  /** After a round: those that failed in it wait, the others are written. */
  const note = (open: readonly Open[], failures: readonly Failure[]): void => {
    onFailed(failures)
    const failed = new Set(failures.map((failure) => failure.open.letter))
    for (const { letter } of open) if (!failed.has(letter)) waiting.delete(letter)
  }

  return {
    state: () => stateOf(waiting),
    async send(letters, signal) {
      let open: readonly Open[] = letters.map((letter) => ({ letter, turn: 0 }))
      try {
        for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(longestPauseMs, pauseMs * 2)) {
          const failures = await round(tools, open)
          note(open, failures)
          const [first] = failures
          if (first === undefined) return
          if (signal.aborted) throw first.error
          log.rarely('error', 'dead letters', 'dead letters cannot be written; their partitions wait', {
            partitions: stateOf(waiting).map((each) => `${each.topic}-${each.partition}`),
            letters: waiting.size,
            first: letterId(first.open.letter),
            error: refusalWords(first.error),
          })
          await sleep(pauseMs, signal)
          open = failures.map((failure) => failure.open)
        }
      } finally {
        for (const { letter } of open) waiting.delete(letter)
      }
    },
  }
}
