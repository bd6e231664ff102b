// What a connection received, one message at a time, until whoever takes them pauses. A paused socket is not read, so its peer has to wait.

import { createReader, type Read } from '../protocol/reader.ts'

/** Of received bytes that nobody took. A chunk has 512 KiB at most, and a paused socket brings no other. */
const waitingBytesMax = 2_097_152

export type ReceivingOptions = {
  pause: () => void
  resume: () => void
  take: (read: Read) => void
}

export type Receiving = {
  /** False: more came than a paused socket brings. */
  push: (chunk: Uint8Array) => boolean
  pause: () => void
  resume: () => void
  /** Nothing is taken any more. */
  stop: () => void
}

export const createReceiving = ({ pause, resume, take }: ReceivingOptions): Receiving => {
  const reader = createReader()
  let reads: Read[] = []
  let next = 0
  let waitingBytes = 0
  /** `isUnread`: the socket is paused. */
  let [isPaused, isStopped, isGiving, isUnread] = [false, false, false, false]

  const mayGive = (): boolean => !isPaused && !isStopped && next < reads.length
  const give = (): void => {
    if (isGiving) return
    isGiving = true
    while (mayGive()) take(reads[next++]!)
    isGiving = false
    if (isPaused && !isStopped) return
    ;[reads, next, waitingBytes] = [[], 0, 0]
  }
  return {
    push(chunk) {
      if (isStopped) return true
      waitingBytes += chunk.length
      for (const read of reader.push(chunk)) reads.push(read)
      give()
      return waitingBytes <= waitingBytesMax
    },
    pause() {
      if (isPaused || isStopped) return
      isPaused = true
      if (!isUnread) pause()
      isUnread = true
    },
    resume() {
      if (!isPaused || isStopped) return
      isPaused = false
      // Not from within: the caller may be in the middle of something.
      queueMicrotask(() => {
        give()
        if (isPaused || isStopped || !isUnread) return
        isUnread = false
        resume()
      })
    },
    stop() {
      isStopped = true
      ;[reads, next, waitingBytes] = [[], 0, 0]
    },
  }
}
