// The messages of each partition that were taken and are not done with. The offset of a message moves once its legs have their
// dispositions and its dead letter is written. A letter that cannot be written keeps back the offsets of its own partition and nothing else: fills go
// on there as well, and what is kept in memory for it is bounded.

import type { RawMessage } from '../client.ts'
import type { Commits } from './commits.ts'
import { bytesOf } from './intake.ts'

/** Messages of one partition that were taken together; `epoch`: see Partition. */
type Taken = { partition: number; messages: readonly RawMessage[]; epoch: number }

export type Progress = {
  /** A batch was taken; answers it by partition. */
  take: (batch: readonly RawMessage[]) => Taken[]
  /** Their legs have their dispositions; `send` writes their dead letters, where there are any. */
  settle: (taken: Taken, send: (() => Promise<void>) | undefined) => void
  /** The partitions were dealt out anew: what was taken before moves no offset any more. */
  forget: () => void
  /** Whether all that was taken of a partition is done with. */
  isDone: (partition: number) => boolean
  /** Resolves when no letter is on its way. */
  written: () => Promise<void>
}

export type ProgressOptions = {
  commits: Pick<Commits, 'put'>
  /** Reads a partition again from this offset. */
  readAgain: (partition: number, from: bigint) => void
  /** Called with the error of a letter that is not tried again. */
  fail: (error: unknown) => void
}

/** What waits behind a letter that cannot be written; the letters of what comes after are made again later. */
const behindMax = { messages: 2_000, bytes: 16_000_000 }

/**
 * `epoch`: increases when it is read again, and what was taken before moves no offset any more. `open`: messages that are not done
 * with. `lettered`: the last letters, and all before them. `behind`: what waits for these. `again`: the first offset to be read
 * again once they are written.
 */
type Partition = {
  epoch: number
  open: number
  lettered: Promise<void> | null
  behind: { messages: number; bytes: number }
  again: bigint | null
}

const isFull = ({ behind }: Partition): boolean =>
  behind.messages > behindMax.messages || behind.bytes > behindMax.bytes

const hold = ({ behind }: Partition, messages: readonly RawMessage[], sign: 1 | -1): void => {
  behind.messages += sign * messages.length
  behind.bytes += sign * bytesOf(messages)
}

export const createProgress = ({ commits, readAgain, fail }: ProgressOptions): Progress => {
  const all = new Map<number, Partition>()
  const of = (partition: number): Partition => {
    const fresh = { epoch: 0, open: 0, lettered: null, behind: { messages: 0, bytes: 0 }, again: null }
    return all.get(partition) ?? (all.set(partition, fresh), fresh)
  }

  const finish = ({ partition, messages, epoch }: Taken): void => {
    const own = of(partition)
    if (own.epoch === epoch) commits.put(messages)
    own.open -= messages.length
  }

  const restart = (partition: number, own: Partition, from: bigint): void => {
    own.epoch++
    own.again = null
    readAgain(partition, from)
  }

  /** After the letters of all that was taken before. */
  const finishLater = (own: Partition, taken: Taken, send: () => Promise<void>): void => {
    hold(own, taken.messages, 1)
    const mine = (own.lettered ?? Promise.resolve())
      .then(send)
      .then(() => finish(taken))
      .finally(() => {
        hold(own, taken.messages, -1)
        if (own.lettered !== mine) return
        own.lettered = null
        if (own.again !== null) restart(taken.partition, own, own.again)
      })
    own.lettered = mine
    mine.catch(fail)
  }

  return {
    take: (batch) =>
      [...Map.groupBy(batch, ({ partition }) => partition)].map(([partition, messages]) => {
        const own = of(partition)
        own.open += messages.length
        return { partition, messages, epoch: own.epoch }
      }),
    settle(taken, send) {
      const own = of(taken.partition)
      const { messages, epoch } = taken
      if (own.again === null && isFull(own)) own.again = messages[0]!.offset
      // It comes again, and its letters will be written then.
      if (own.epoch !== epoch || own.again !== null) own.open -= messages.length
      else if (send === undefined && own.lettered === null) finish(taken)
      else finishLater(own, taken, send ?? (() => Promise.resolve()))
    },
    forget() {
      for (const own of all.values()) {
        own.epoch++
        own.again = null
      }
    },
    isDone: (partition) => (all.get(partition)?.open ?? 0) === 0,
    async written() {
      await Promise.allSettled([...all.values()].map(({ lettered }) => lettered ?? Promise.resolve()))
    },
  }
}
