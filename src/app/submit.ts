// How an order is submitted. A known key is answered first: what depends on the clock or on room is judged of new keys only, so that a retry never
// learns less than the truth. The rules of business are judged with the batch (place.ts).

import type { EngineFeature } from '../domain/engine.ts'
import type { OrderTerms } from '../domain/terms.ts'
import { keyText } from '../store/keys.ts'
import type { BatchRefusal } from './batcher.ts'
import type { Batchers } from './batchers.ts'
import type { Call } from './caller.ts'
import type { Admission } from './monitor.ts'
import { preparePlacement, type Identity, type PlaceResult } from './place.ts'
import type { TrialResult } from './trials.ts'

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

/** As a SubmitResult; of an order that would be new there is nothing to show. */
export type ValidateResult = SubmitResult | TrialResult

export type NewOrderRefusal =
  | { ok: false; code: 'OVERLOADED' }
  | Extract<SubmitResult, { code: 'EXPIRES_AT' | 'STOPS_UNWATCHED' }>

const aheadMinMs = 1_000
const dayMs = 86_400_000

export const isStop = ({ stopPrice }: OrderTerms): boolean => stopPrice !== null

/** What is wrong with the end that a client gave; null: nothing, or it gave none. */
const expiryFault = ({ expiresAt }: OrderTerms, now: Date, gtdMaxDays: number): string | null => {
  if (expiresAt === null) return null
  const aheadMs = Date.parse(expiresAt) - now.getTime()
  if (aheadMs < aheadMinMs) return 'must be at least 1 s ahead'
  return aheadMs > gtdMaxDays * dayMs ? `must be at most ${gtdMaxDays} days ahead` : null
}

/** For each order: whether an order before it that is to be placed has its key. */
const repeatersOf = (orders: readonly OrderTerms[], isPlaced: (at: number) => boolean): boolean[] => {
  const keys = new Set<string>()
  return orders.map((terms, at) => {
    if (terms.clientOrderId === null) return false
    const key = keyText(terms)
    const repeats = keys.has(key)
    if (isPlaced(at)) keys.add(key)
    return repeats
  })
}

/** What refuses a new order, whatever the rules of business say; null: nothing does. `unwatched`: no stop may be placed now. */
export const newOrderJudge =
  (accepting: Admission, { gtdMaxDays }: Pick<NewOrderRules, 'gtdMaxDays'>) =>
  (terms: OrderTerms, now: Date, unwatched: boolean): NewOrderRefusal | null => {
    if (!accepting(terms.ticker)) return { ok: false, code: 'OVERLOADED' }
    const detail = expiryFault(terms, now, gtdMaxDays)
    if (detail !== null) return { ok: false, code: 'EXPIRES_AT', detail }
    return unwatched && isStop(terms) ? { ok: false, code: 'STOPS_UNWATCHED' } : null
  }

export type SubmitParts = Identity & {
  batchers: Pick<Batchers, 'places' | 'heldKeys' | 'trials'>
  /** The monitor's `hasRoom`: false while too much waits to be published (app/monitor.ts). */
  accepting: Admission
  rules: NewOrderRules
}

export const createSubmit = ({
  batchers: { places, heldKeys, trials },
  accepting,
  rules,
  ...identity
}: SubmitParts) => {
  const { mayPlaceStops } = rules
  const refuseNew = newOrderJudge(accepting, rules)

  /** The answer of whoever holds the key; `refusal` if nobody does. */
  const unlessHeld = async (terms: OrderTerms, refusal: NewOrderRefusal): Promise<SubmitResult> => {
    if (terms.clientOrderId === null) return refusal
    const key = await heldKeys.submit(terms)
    return key.ok ? (key.answer ?? refusal) : key
  }

  return {
    async place(call: Call, terms: OrderTerms): Promise<SubmitResult> {
      const unwatched = isStop(terms) && !(await mayPlaceStops())
      const refusal = refuseNew(terms, identity.now(), unwatched)
      return refusal === null ? places.submit(preparePlacement(terms, call, identity)) : unlessHeld(terms, refusal)
    },

    /**
     * Places orders as one unit: in one statement, in their order. An order that is refused as a new one may repeat the key of an order before
     * it, and is then answered with that order: so it is answered after the unit. Every other refused order is answered before it.
     */
    async placeMany(call: Call, orders: readonly OrderTerms[]): Promise<SubmitResult[]> {
      const unwatched = orders.some(isStop) && !(await mayPlaceStops())
      const at = identity.now()
      const refusals = orders.map((terms) => refuseNew(terms, at, unwatched))
      const isLater = repeatersOf(orders, (i) => refusals[i] === null)
      const answerAll = (later: boolean) =>
        Promise.all(
          orders.map(async (terms, i) => {
            const refusal = refusals[i]!
            return refusal === null || isLater[i] !== later ? null : unlessHeld(terms, refusal)
          }),
        )
      const early = await answerAll(false)
      const unit = orders.filter((_, i) => refusals[i] === null)
      const sameTime = { ...identity, now: () => at }
      const placed = await places.submitAll(unit.map((terms) => preparePlacement(terms, call, sameTime)))
      const late = await answerAll(true)
      let next = 0
      return orders.map((_, i) => early[i] ?? late[i] ?? placed[next++]!)
    },

    /** What `place` would answer; stores nothing. The rules are read anew. */
    async validate(call: Call, terms: OrderTerms): Promise<ValidateResult> {
      const unwatched = isStop(terms) && !(await mayPlaceStops())
      const refusal = refuseNew(terms, identity.now(), unwatched)
      if (refusal !== null) return unlessHeld(terms, refusal)
      if (terms.clientOrderId !== null) {
        const key = await heldKeys.submit(terms)
        if (!key.ok) return key
        if (key.answer !== null) return key.answer
      }
      return trials.submit(preparePlacement(terms, call, identity))
    },
  }
}
