// Follows the stream over lost connections: it resumes where it was, and says in words how it is.

import { connect, type Connection } from './connection.ts'
import type { FeedState } from './protocol.ts'
import { createReading, type News } from './reading.ts'

export type FollowOptions = Pick<Connection, 'fetch' | 'headers' | 'signal'> & {
  readonly onNews: (news: readonly News[]) => void
  readonly onState: (state: FeedState) => void
  /** Called where a connection goes on from the cursor of the one before. */
  readonly onResume: () => void
  /** From 0 to 1. */
  readonly random: () => number
  readonly nowMs: () => number
  /** Resolves after this time, or as soon as the signal is aborted. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>
}

const retryFirstMs = 1_000
const retryLastMs = 15_000

/** Longer after each failure in a row, and another for each page, so that not all come at once. */
export const pauseMs = (failures: number, firstMs: number, random: number): number =>
  Math.min(retryLastMs, firstMs * 2 ** Math.min(failures, 10)) * (0.5 + random / 2)

export type Following = { /** Makes the next connection now instead of after its pause. */ retry: () => void }

/** Until `signal` is aborted, or the service refuses for good; that is its last state then. */
export const follow = (options: FollowOptions): Following => {
  const { fetch, headers, signal, onNews, onState, onResume, random, nowMs, pause } = options
  const reading = createReading()
  let waking = new AbortController()

  const run = async (): Promise<void> => {
    let failures = 0
    let wishMs: number | null = null
    /** Orders of a snapshot came that was cut off: who knows which of them ended since. */
    let isPartial = false
    while (!signal.aborted) {
      onState({ kind: 'connecting' })
      const cursor = reading.cursor()
      const ending = await connect({
        fetch,
        headers,
        cursor,
        signal,
        onOpen() {
          if (cursor === null) {
            if (isPartial) onNews([{ kind: 'reset', reason: 'SNAPSHOT_CUT_OFF' }])
            isPartial = false
            return onState({ kind: 'snapshot' })
          }
          onResume()
          onState({ kind: 'live' })
        },
        onMessages(messages, retryMs) {
          wishMs = retryMs ?? wishMs
          failures = 0
          const wasLive = reading.isLive()
          const news = reading.take(messages)
          if (news.length > 0) onNews(news)
          isPartial = !reading.isLive()
          if (reading.isLive() !== wasLive) onState({ kind: wasLive ? 'snapshot' : 'live' })
        },
      })
      if (signal.aborted) return
      if (ending.kind === 'refused') return onState(ending)
      if (ending.kind === 'forget') {
        reading.forget()
        onNews([{ kind: 'reset', reason: 'CURSOR_NOT_TAKEN' }])
        continue
      }
      const ms = Math.max(pauseMs(failures++, wishMs ?? retryFirstMs, random()), ending.afterMs ?? 0)
      onState({ kind: 'waiting', reason: ending.reason, untilMs: nowMs() + ms })
      waking = new AbortController()
      await pause(ms, AbortSignal.any([signal, waking.signal]))
    }
  }
  void run()
  return { retry: () => waking.abort() }
}
