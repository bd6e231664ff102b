// What waits for one follower at the head of the log until it pulls.

import type { Entry } from './ring.ts'

export type Mailbox = {
  /** False: more than the bound would wait. One delivery is always taken, however large it is. */
  push: (entries: readonly Entry[], bytes: number) => boolean
  /** Everything that waits; null: nothing does. */
  take: () => readonly Entry[] | null
  clear: () => void
}

export const createMailbox = (bytesMax: number): Mailbox => {
  let waiting: (readonly Entry[])[] = []
  let bytesWaiting = 0

  const clear = (): void => {
    waiting = []
    bytesWaiting = 0
  }

  return {
    push(entries, bytes) {
      if (waiting.length > 0 && bytesWaiting + bytes > bytesMax) return false
      waiting.push(entries)
      bytesWaiting += bytes
      return true
    },
    take() {
      if (waiting.length === 0) return null
      const taken = waiting.length === 1 ? waiting[0]! : waiting.flat()
      clear()
      return taken
    },
    clear,
  }
}
