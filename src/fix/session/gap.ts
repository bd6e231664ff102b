// Numbers that are missing of what a client sends: asking for them, keeping what came behind them, and going on once they are there.

import { change, emit } from './draft.ts'
import type { Draft, Queued } from './state.ts'

const request = (draft: Draft): void => {
  const { nextIn } = draft.state
  const chunk = draft.config.limits.requestChunk
  const end = chunk === null ? 0 : nextIn + chunk - 1
  change(draft, { asked: { to: chunk === null ? Number.POSITIVE_INFINITY : end, at: draft.now }, dropped: false })
  emit(draft, [
    {
      type: '2',
      body: [
        [7, String(nextIn)],
        [16, String(end)],
      ],
    },
  ])
}

/** A message whose number is too high: kept if there is room, and what is missing is asked for, once. */
export const ask = (draft: Draft, number: number, message: Queued): void => {
  const { state, config } = draft
  change(draft, { highest: Math.max(state.highest, number) })
  if (state.queue.has(number) || state.queue.size < config.limits.queuedMessages)
    change(draft, { queue: new Map(state.queue).set(number, state.queue.get(number) ?? message) })
  else change(draft, { dropped: true })
  if (state.asked === null) request(draft)
}

/** After numbers were taken in: goes on with what was kept, or asks for what is still missing. */
export const goOn = (draft: Draft): void => {
  const { queue, nextIn, highest, asked, dropped } = draft.state
  if (queue.size > 0 && [...queue.keys()].some((number) => number < nextIn))
    change(draft, { queue: new Map([...queue].filter(([number]) => number >= nextIn)) })
  if (draft.state.queue.has(nextIn)) draft.outputs.push({ kind: 'continue' })
  else if (asked !== null && nextIn > highest) change(draft, { asked: null, dropped: false })
  else if (asked !== null && (nextIn > asked.to || (dropped && draft.state.queue.size === 0))) request(draft)
}

/** The client does not send what is missing: it is asked for again. */
export const askAgain = (draft: Draft): void => {
  const { asked } = draft.state
  if (asked !== null && draft.now - asked.at >= draft.config.limits.gapMs) request(draft)
}
