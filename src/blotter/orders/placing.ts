// One attempt to place an order, until its outcome is certain. It has one key from its first request to its last, so a double click, or a
// request that is asked again after a time-out, places one order.

import { orderJudgements } from '../../wire/orderJudgements.ts'
import { orderFromJson, type Order } from '../model/order.ts'
import { bodyOf, type Ticket } from '../model/ticket.ts'
import type { Answer, Problem, Service } from '../service/service.ts'

/**
 * `unknown`: the order may have been stored or not. `placed`: also where it was asked again. `exists`: a void found the order; it is as it
 * was. `voided`: no order has the key, and none can.
 */
export type PlacingState =
  | { readonly kind: 'editing'; readonly problem: Problem | null }
  | { readonly kind: 'sending' | 'voiding' | 'voided' }
  | { readonly kind: 'unknown'; readonly problem: Problem }
  | { readonly kind: 'placed' | 'exists'; readonly order: Order }

export type Placing = {
  readonly state: () => PlacingState
  /** Does nothing while an attempt is under way, or its outcome unknown. */
  readonly place: (ticket: Ticket) => Promise<void>
  /** The same request with the same key. */
  readonly askAgain: () => Promise<void>
  /** Makes certain that the order of this attempt is not there and never will be, or finds it. */
  readonly makeVoid: () => Promise<void>
  /** The next attempt has another key. */
  readonly begin: () => void
}

type PlacingOptions = {
  readonly service: Pick<Service, 'call'>
  readonly newKey: () => string
  readonly onState: (state: PlacingState) => void
}

type Attempt = { readonly key: string; readonly body: Readonly<Record<string, unknown>> }

/** An answer that leaves open whether something was stored: none at all, one that says so, or one of a proxy. */
const isOpenOutcome = ({ status, problem }: Answer): boolean =>
  status === 0 || problem?.code === 'OUTCOME_UNKNOWN' || problem?.code === `HTTP_${status}`

export const createPlacing = ({ service, newKey, onState }: PlacingOptions): Placing => {
  let state: PlacingState = { kind: 'editing', problem: null }
  let attempt: Attempt | null = null
  const enter = (next: PlacingState): void => {
    state = next
    onState(next)
  }

  /** `isAgain`: a request before may have stored the order. */
  const send = async ({ key, body }: Attempt, isAgain: boolean): Promise<void> => {
    enter({ kind: 'sending' })
    const answer = await service.call('POST', '/orders', { body, headers: { 'idempotency-key': key } })
    const { problem } = answer
    if (problem === undefined) return enter({ kind: 'placed', order: orderFromJson(answer.body) })
    const isUnknown = isAgain ? !orderJudgements.has(problem.code) : isOpenOutcome(answer)
    enter(isUnknown ? { kind: 'unknown', problem } : { kind: 'editing', problem })
  }

  return {
    state: () => state,
    async place(ticket) {
      if (state.kind !== 'editing') return
      attempt = { key: newKey(), body: bodyOf(ticket) }
      await send(attempt, false)
    },
    async askAgain() {
      if (state.kind === 'unknown') await send(attempt!, true)
    },
    async makeVoid() {
      if (state.kind !== 'unknown') return
      enter({ kind: 'voiding' })
      const { userId } = attempt!.body
      const { problem, body } = await service.call('POST', '/orders/void', {
        body: { ...(userId !== undefined && { userId }), clientOrderId: attempt!.key },
      })
      if (problem !== undefined) return enter({ kind: 'unknown', problem })
      const { voided, order } = body as { voided: boolean; order?: unknown }
      enter(voided ? { kind: 'voided' } : { kind: 'exists', order: orderFromJson(order) })
    },
    begin() {
      attempt = null
      enter({ kind: 'editing', problem: null })
    },
  }
}
