// What waits for one follower at the head of the log until it pulls.

import type { Entry } from './ring.ts'

export type Mailbox = {
  push: (entries: readonly Entry[], bytes: number) => void
  /** Everything that waits; null: nothing does. */
  take: () => readonly Entry[] | null
  clear: () => void
  /** What waits, in bytes. */
  bytes: () => number
}

export const createMailbox = (): Mailbox => {
  let waiting: (readonly Entry[])[] = []
  let bytesWaiting = 0

  const clear = (): void => {
    waiting = []
    bytesWaiting = 0
  }

  return {
    push(entries, bytes) {
      waiting.push(entries)
      bytesWaiting += bytes
    },
    take() {
      if (waiting.length === 0) return null
      const taken = waiting.length === 1 ? waiting[0]! : waiting.flat()
      clear()
      return taken
    },
    clear,
    bytes: () => bytesWaiting,
  }
}
