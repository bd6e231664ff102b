// Follows the stream over lost connections: it resumes where it was, and says what happens to whoever shows it.

import { sleep } from '../app/sleep.ts'
import type { Board } from './board.ts'
import { connect, type Connection } from './connection.ts'
import { createReading, type News } from './reading.ts'

export type ConnectionState =
  | { kind: 'connecting' | 'snapshot' | 'live' }
  | { kind: 'waiting'; reason: string; ms: number }

export type FollowOptions = {
  options: Connection['options']
  signal: AbortSignal
  board: Board
  /** The news of one chunk of the stream. The next chunk is read once it resolves. */
  onNews: (news: readonly News[]) => Promise<void>
  onState: (state: ConnectionState) => void
  /** From 0 to 1. */
  random: () => number
  clock: () => number
}

const retryFirstMs = 500
const retryLastMs = 15_000

/** The pause before the attempt after `failures` in a row: longer each time, and another for each client, so that not all come at once. */
export const pauseMs = (failures: number, firstMs: number, random: number): number =>
  Math.min(retryLastMs, firstMs * 2 ** Math.min(failures, 10)) * (0.5 + random / 2)

/** Follows until `signal` is aborted (null) or the service refuses for good (the sentence). Throws OutputGone. */
export const follow = async (parts: FollowOptions): Promise<string | null> => {
  const { options, signal, board, onNews, onState, random, clock } = parts
  const reading = createReading(board, clock)
  let failures = 0
  let wishMs: number | null = null

  while (!signal.aborted) {
    onState({ kind: 'connecting' })
    const ending = await connect({
      options,
      cursor: reading.cursor(),
      signal,
      onOpen() {
        reading.open()
        onState({ kind: reading.isLive() ? 'live' : 'snapshot' })
      },
      async onMessages(messages, retryMs) {
        wishMs = retryMs ?? wishMs
        const wasLive = reading.isLive()
        const news = reading.take(messages)
        failures = 0
        if (news.length > 0) await onNews(news)
        if (reading.isLive() !== wasLive) onState({ kind: wasLive ? 'snapshot' : 'live' })
      },
    })
    if (signal.aborted) break
    if (ending.kind === 'refused') return ending.reason
    if (ending.kind === 'forget') {
      reading.forget()
      await onNews([{ kind: 'reset', reason: 'CURSOR_NOT_TAKEN' }])
    }
    const pause = pauseMs(failures++, wishMs ?? retryFirstMs, random())
    const ms = Math.max(pause, ending.kind === 'lost' ? (ending.afterMs ?? 0) : 0)
    onState({ kind: 'waiting', reason: ending.reason, ms })
    await sleep(ms, signal)
  }
  return null
}
