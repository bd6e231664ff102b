// How an order is submitted. A known key is answered first: what depends on the clock, or on what the engine can do, is judged of new keys
// only, so that a retry never learns less than the truth.

import { unsupportedBy, type EngineFeature } from '../domain/engine.ts'
import type { Reason } from '../domain/reason.ts'
import type { OrderTerms } from '../domain/terms.ts'
import type { BatchRefusal } from './batcher.ts'
import type { Batchers } from './batchers.ts'
import type { Call } from './caller.ts'
import type { Admission } from './monitor.ts'
import { preparePlacement, type Identity, type PlaceResult } from './place.ts'
import { createBuckets } from './rateLimit.ts'

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
 * `EXPIRES_AT`: the end of the order is too near or too far; `detail` completes "expiresAt …". `RATE_LIMITED`: the caller has had too many
 * orders refused; nothing was stored, and the key is as free as before. `STOPS_UNWATCHED`: a replica is alive that triggers no stops;
 * nothing was stored.
 */
export type SubmitResult =
  | PlaceResult
  | BatchRefusal
  | { ok: false; code: 'EXPIRES_AT'; detail: string }
  | { ok: false; code: 'RATE_LIMITED'; waitSeconds: number }
  | { ok: false; code: 'STOPS_UNWATCHED' }

const aheadMinMs = 1_000
const dayMs = 86_400_000
const callersMax = 50_000

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
  const { features, gtdMaxDays, rejectedPerMinuteMax, mayPlaceStops, nowMs } = rules
  const rejections = createBuckets({
    perSecond: rejectedPerMinuteMax / 60,
    burst: rejectedPerMinuteMax,
    keysMax: callersMax,
    nowMs,
  })

  /** The answer of the order that holds the key; `refusal` if none does. */
  const unlessHeld = async (call: Call, terms: OrderTerms, refusal: SubmitResult): Promise<SubmitResult> => {
    if (terms.clientOrderId === null) return refusal
    const key = await heldKeys.submit(preparePlacement(terms, call, identity))
    return key.ok ? (key.answer ?? refusal) : key
  }

  /** Stores an order that a rule refuses, unless too many of this caller were stored. Callers that need not identify themselves count as one. */
  const submitRefused = async (call: Call, terms: OrderTerms, refusal: Reason): Promise<SubmitResult> => {
    const subject = call.caller?.subject ?? ''
    const { allowed, waitSeconds } = rejections.take(subject)
    if (!allowed) return unlessHeld(call, terms, { ok: false, code: 'RATE_LIMITED', waitSeconds })
    const result = await places.submit(preparePlacement(terms, call, { ...identity, refusal }))
    const mayBeStored =
      !result.ok && (result.code === 'OUTCOME_UNKNOWN' || (result.code === 'ORDER_REJECTED' && !result.replayed))
    if (!mayBeStored) rejections.putBack(subject)
    return result
  }

  return async (call: Call, terms: OrderTerms): Promise<SubmitResult> => {
    if (!accepting(terms.ticker)) return { ok: false, code: 'OVERLOADED' }
    const detail = expiryFault(terms, identity.now(), gtdMaxDays)
    if (detail !== null) return unlessHeld(call, terms, { ok: false, code: 'EXPIRES_AT', detail })
    const refusal = unsupportedBy(features, terms)
    if (refusal !== null) return submitRefused(call, terms, refusal)
    if (terms.stopPrice !== null && !(await mayPlaceStops()))
      return unlessHeld(call, terms, { ok: false, code: 'STOPS_UNWATCHED' })
    return places.submit(preparePlacement(terms, call, identity))
  }
}
