// Tracks the messages of each partition that were taken and are not finished. The offset moves past a message once its legs have their
// dispositions and its dead letter is written. A letter that cannot be written holds back the offset of its own partition and nothing
// else: fills go on there as well, and the memory for what waits behind the letter is bounded.

import type { RawMessage } from '../client.ts'
import { offsetAfter, type Commits } from './commits.ts'
import { bytesOf } from './intake.ts'

/** The messages of one partition in a batch; `epoch`: see Partition. */
type BatchPart = { partition: number; messages: readonly RawMessage[]; epoch: number }

export type Progress = {
  /** Call it with every batch that was taken; returns the batch by partition. */
  take: (batch: readonly RawMessage[]) => BatchPart[]
  /** Call it once the legs of a part have their dispositions. `send` writes its dead letters; undefined if it has none. */
  settle: (part: BatchPart, send: (() => Promise<void>) | undefined) => void
  /** Call it when the group has assigned the partitions anew: messages that were taken before no longer move an offset. */
  forget: () => void
  /** Whether all messages that were taken of a partition are finished. */
  isDone: (partition: number) => boolean
  /** The offset after the last message that was finished since the partition was assigned; null: none was. Nothing before it is open. */
  finishedTo: (partition: number) => bigint | null
  /** Resolves when no letter is being written. */
  whenIdle: () => Promise<void>
}

export type ProgressOptions = {
  commits: Pick<Commits, 'put'>
  /** Reads a partition again from this offset. */
  readAgain: (partition: number, from: bigint) => void
  /** Called with the error of a letter that is not tried again. */
  fail: (error: unknown) => void
}

/** How much may wait behind a letter that cannot be written. Messages beyond that are read again later, and their letters made then. */
const behindMax = { messages: 2_000, bytes: 16_000_000 }

/**
 * `epoch`: increases when the partition is read again; messages of an older epoch no longer move an offset. `open`: how many messages
 * are not finished. `letters`: resolves when the last letters and all before them are written; null if none are under way. `behind`:
 * the messages and bytes that wait for these letters. `rereadFrom`: the first offset to read again once they are written, or null.
 * `finishedTo`: see Progress.
 */
type Partition = {
  epoch: number
  open: number
  letters: Promise<void> | null
  behind: { messages: number; bytes: number }
  rereadFrom: bigint | null
  finishedTo: bigint | null
}

const createPartition = (): Partition => ({
  epoch: 0,
  open: 0,
  letters: null,
  behind: { messages: 0, bytes: 0 },
  rereadFrom: null,
  finishedTo: null,
})

/** A letter that was just written may still lead to a part that was given up behind it, and has to be read again. */
const isAtRest = (own: Partition | undefined): boolean =>
  own === undefined || (own.open === 0 && own.letters === null && own.rereadFrom === null)

const isFull = ({ behind }: Partition): boolean =>
  behind.messages > behindMax.messages || behind.bytes > behindMax.bytes

const countBehind = ({ behind }: Partition, messages: readonly RawMessage[], sign: 1 | -1): void => {
  behind.messages += sign * messages.length
  behind.bytes += sign * bytesOf(messages)
}

/** These letters will not be written here: what was taken with them or after them must not move the offset past them. */
const giveUp =
  (own: Partition) =>
  (error: unknown): never => {
    own.epoch++
    throw error
  }

export const createProgress = ({ commits, readAgain, fail }: ProgressOptions): Progress => {
  const all = new Map<number, Partition>()
  const stateOf = (partition: number): Partition => {
    const own = all.get(partition) ?? createPartition()
    all.set(partition, own)
    return own
  }

  const finish = ({ partition, messages, epoch }: BatchPart): void => {
    const own = stateOf(partition)
    if (own.epoch === epoch) {
      commits.put(messages)
      own.finishedTo = offsetAfter(messages.at(-1)!)
    }
    own.open -= messages.length
  }

  const restart = (partition: number, own: Partition, from: bigint): void => {
    own.epoch++
    own.rereadFrom = null
    readAgain(partition, from)
  }

  /** Finishes a part after its own letters and those of all parts before it are written. */
  const finishLater = (own: Partition, part: BatchPart, send: () => Promise<void>): void => {
    countBehind(own, part.messages, 1)
    const letters = (own.letters ?? Promise.resolve())
      .then(send)
      .then(() => finish(part))
      .catch(giveUp(own))
      .finally(() => {
        countBehind(own, part.messages, -1)
        if (own.letters !== letters) return
        own.letters = null
        if (own.rereadFrom !== null) restart(part.partition, own, own.rereadFrom)
      })
    own.letters = letters
    letters.catch(fail)
  }

  return {
    take: (batch) =>
      [...Map.groupBy(batch, ({ partition }) => partition)].map(([partition, messages]) => {
        const own = stateOf(partition)
        own.open += messages.length
        return { partition, messages, epoch: own.epoch }
      }),
    settle(part, send) {
      const own = stateOf(part.partition)
      const { messages, epoch } = part
      if (own.rereadFrom === null && isFull(own)) own.rereadFrom = messages[0]!.offset
      // Its messages come again, and their letters will be written then.
      if (own.epoch !== epoch || own.rereadFrom !== null) own.open -= messages.length
      else if (send === undefined && own.letters === null) finish(part)
      else finishLater(own, part, send ?? (() => Promise.resolve()))
    },
    forget() {
      for (const own of all.values()) Object.assign(own, { epoch: own.epoch + 1, rereadFrom: null, finishedTo: null })
    },
    isDone: (partition) => isAtRest(all.get(partition)),
    finishedTo: (partition) => all.get(partition)?.finishedTo ?? null,
    async whenIdle() {
      await Promise.allSettled([...all.values()].map(({ letters }) => letters ?? Promise.resolve()))
    },
  }
}
