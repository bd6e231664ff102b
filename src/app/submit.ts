// How an order is submitted. A known key is answered first: what depends on the clock is judged of new keys only, so that a retry never learns
// less than the truth. The rules of business are judged with the batch (place.ts).

import type { EngineFeature } from '../domain/engine.ts'
import type { OrderTerms } from '../domain/terms.ts'
import type { BatchRefusal } from './batcher.ts'
import type { Batchers } from './batchers.ts'
import type { Call } from './caller.ts'
import type { Admission } from './monitor.ts'
import { preparePlacement, type Identity, type PlaceResult } from './place.ts'

/** What is judged of a new order. */
export type NewOrderRules = {
  /** What the engine can do. */
  features: ReadonlySet<EngineFeature>
  /** How many days of 24 hours ahead the end of a GTD order may lie. */
  gtdMaxDays: number
  /** How many refused orders of one caller are stored a minute. */
  rejectedPerMinuteMax: number
  /** See StopWatch. */
  mayPlaceStops: () => Promise<boolean>
  /** A monotonic clock in ms. */
  nowMs: () => number
}

export const usualRules: NewOrderRules = {
  features: new Set(),
  gtdMaxDays: 366,
  rejectedPerMinuteMax: 600,
  mayPlaceStops: () => Promise.resolve(true),
  nowMs: () => performance.now(),
}

/**
 * `EXPIRES_AT`: the end of the order is too near or too far; `detail` completes "expiresAt …". `STOPS_UNWATCHED`: a replica is alive that
 * triggers no stops; nothing was stored.
 */
export type SubmitResult =
  | PlaceResult
  | BatchRefusal
  | { ok: false; code: 'EXPIRES_AT'; detail: string }
  | { ok: false; code: 'STOPS_UNWATCHED' }

const aheadMinMs = 1_000
const dayMs = 86_400_000

/** What is wrong with the end that a client gave; null: nothing, or it gave none. */
const expiryFault = ({ expiresAt }: OrderTerms, now: Date, gtdMaxDays: number): string | null => {
  if (expiresAt === null) return null
  const aheadMs = Date.parse(expiresAt) - now.getTime()
  if (aheadMs < aheadMinMs) return 'must be at least 1 s ahead'
  return aheadMs > gtdMaxDays * dayMs ? `must be at most ${gtdMaxDays} days ahead` : null
}

export type SubmitParts = Identity & {
  batchers: Pick<Batchers, 'places' | 'heldKeys'>
  /** The monitor's `hasRoom`: false while too much waits to be published (app/monitor.ts). */
  accepting: Admission
  rules: NewOrderRules
}

export const createSubmit = ({ batchers: { places, heldKeys }, accepting, rules, ...identity }: SubmitParts) => {
  const { gtdMaxDays, mayPlaceStops } = rules

  /** The answer of whoever holds the key; `refusal` if nobody does. */
  const unlessHeld = async (terms: OrderTerms, refusal: SubmitResult): Promise<SubmitResult> => {
    if (terms.clientOrderId === null) return refusal
    const key = await heldKeys.submit(terms)
    return key.ok ? (key.answer ?? refusal) : key
  }

  return async (call: Call, terms: OrderTerms): Promise<SubmitResult> => {
    if (!accepting(terms.ticker)) return { ok: false, code: 'OVERLOADED' }
    const detail = expiryFault(terms, identity.now(), gtdMaxDays)
    if (detail !== null) return unlessHeld(terms, { ok: false, code: 'EXPIRES_AT', detail })
    if (terms.stopPrice !== null && !(await mayPlaceStops()))
      return unlessHeld(terms, { ok: false, code: 'STOPS_UNWATCHED' })
    return places.submit(preparePlacement(terms, call, identity))
  }
}
