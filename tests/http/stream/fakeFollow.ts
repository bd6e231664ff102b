// A tail of the test: it gives each follower the steps that the test gives it, and nothing by itself.

import type { EventFilter, Follow, Following, PageResult, Step, TailState } from '../../../src/app/follow.ts'
import { writeEvent } from '../../../src/wire/event.ts'
import { newOrder } from '../../domain/arbitraries.ts'

export const order = newOrder()

/** The acceptance of that order, with the cursor `c` and this number; `padding`: so many bytes more. */
export const eventOf = (n: number, padding = 0) => {
  const history = { kind: 'ACCEPTED', at: order.createdAt, order, fill: null, reason: null } as const
  const cause = { kind: 'request', requestId: `r-${n}${'x'.repeat(padding)}` } as const
  const event = { ...history, cause }
  const { id: orderId, version, userId, ticker } = order
  const text = writeEvent(event)
  return { event: { position: BigInt(n), orderId, version, userId, ticker, text }, cursor: `c${n}` }
}

export type FakeFollower = {
  filter: EventFilter
  cursor: string | null
  /** Hands the follower its next step. */
  give: (step: Step) => void
  /** Tells it that it lags, as the tail does when too much waits for it. */
  lag: () => void
  /** How many steps it has asked for. */
  asked: () => number
  isClosed: () => boolean
}

export const idleTail: TailState = {
  followers: 0,
  catchingUp: 0,
  ring: { events: 0, bytes: 0 },
  lagMs: 0,
  obstacle: null,
}

/** `ends`: every stream has an empty snapshot and ends, so that whoever reads it to its end does not wait. */
export const createFakeFollow = ({ ends = false }: { ends?: boolean } = {}) => {
  const followers: FakeFollower[] = []
  const pages: { filter: EventFilter; cursor: string | null; limit: number }[] = []
  let answer: PageResult = { ok: true, events: [], cursor: 'c0' }

  const follow: Follow = {
    open(filter, cursor, onLagging = () => undefined) {
      if (cursor === 'bad') return { ok: false, code: 'BAD_CURSOR' }
      const steps: Step[] = []
      let asked = 0
      let isClosed = false
      let waiting: ((step: Step) => void) | null = null
      const give = (step: Step): void => {
        if (waiting === null) return void steps.push(step)
        waiting(step)
        waiting = null
      }
      const following: Following = {
        next() {
          asked++
          const { promise, resolve } = Promise.withResolvers<Step>()
          const step = steps.shift()
          if (step === undefined) waiting = resolve
          else resolve(step)
          return promise
        },
        close() {
          isClosed = true
          give({ kind: 'ended', cursor: null })
        },
      }
      if (ends) {
        give({ kind: 'snapshot', orders: [] })
        give({ kind: 'live', cursor: 'c1' })
        give({ kind: 'ended', cursor: 'c1' })
      }
      followers.push({ filter, cursor, give, lag: onLagging, asked: () => asked, isClosed: () => isClosed })
      return { ok: true, following }
    },
    page(filter, cursor, limit) {
      pages.push({ filter, cursor, limit })
      return Promise.resolve(cursor === 'bad' ? { ok: false, code: 'BAD_CURSOR' } : answer)
    },
    close: () => undefined,
    state: () => ({ ...idleTail, followers: followers.length }),
  }
  return { follow, followers, pages, answerPages: (next: PageResult) => (answer = next) }
}
