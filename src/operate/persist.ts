// Sends a request again where that may help and is safe: after a time-out, a lost connection, a 429 or a 5xx. Only for requests whose
// repetition does nothing more: reads, placing with a key, cancels, changes of rules.

import { problemOf, retryAfterOf } from '../client/failure.ts'
import { send, type Answer, type Call, type Result } from './call.ts'
import type { Context } from './context.ts'

/**
 * What became of a request, after all attempts. `maybeBefore`: an attempt whose answer did not come, or said nothing certain, may have had
 * its effect. `none`: there is no answer that decides anything.
 */
export type Reply =
  | { kind: 'answer'; answer: Answer; maybeBefore: boolean }
  | { kind: 'none'; reason: string; maybeBefore: boolean }

const attemptsMax = 6
/** After so long no attempt begins. */
const patienceMs = 60_000
const pauseFirstMs = 500
const pauseLastMs = 8_000

/** Why an attempt may be followed by another; null: it is final. `certain`: it had no effect. */
type Setback = { reason: string; certain: boolean; afterMs: number }

const setbackOf = (result: Result): Setback | null => {
  if (result.kind !== 'answer') return { reason: result.reason, certain: result.kind !== 'lost', afterMs: 0 }
  const { status, headers, text } = result.answer
  if (status < 500 && status !== 429) return null
  const { code, detail } = problemOf(text)
  return {
    reason: [`the service answers ${status}`, code === '' ? '' : ` ${code}`, detail === '' ? '' : `: ${detail}`].join(
      '',
    ),
    // A proxy's 503 has no code, and says nothing of what the service did.
    certain: status === 429 || code === 'OVERLOADED',
    afterMs: retryAfterOf(headers) ?? 0,
  }
}

const isHopeless = (result: Result, attempt: number): boolean =>
  result.kind === 'certificate' || (result.kind === 'unsent' && attempt === 1)

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

/** Sends the request until an answer decides, for a minute at most. Says each setback. */
export const persist = async ({ access, signal, say, pace }: Context, call: Call): Promise<Reply> => {
  const startedAt = pace.clock()
  let maybeBefore = false
  for (let attempt = 1; ; attempt++) {
    const result = await send(access, call, signal)
    const setback = setbackOf(result)
    if (setback === null) return { kind: 'answer', answer: (result as { answer: Answer }).answer, maybeBefore }
    if (!setback.certain) maybeBefore = true
    const { reason, afterMs } = setback
    const pause = Math.min(pauseLastMs, pauseFirstMs * 2 ** (attempt - 1)) * (0.5 + pace.random() / 2)
    const waitMs = Math.max(pause, afterMs)
    const isOver = pace.clock() - startedAt + waitMs > patienceMs
    if (signal.aborted || attempt === attemptsMax || isOver || isHopeless(result, attempt))
      return { kind: 'none', reason, maybeBefore }
    say(`${reason}; asking again in ${seconds(waitMs)}`)
    await pace.sleep(waitMs, signal)
    if (signal.aborted) return { kind: 'none', reason, maybeBefore }
  }
}
