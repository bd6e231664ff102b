// How the messages of a session of FIX are carried out, each kind in its own way; the line (fixLine.ts) says when.

import type { OrderTerms } from '../domain/terms.ts'
import type { FixTarget, NewFixRequest } from '../store/fixOrders.ts'
import { advanceFixSession, type FixReports, type FixStep } from '../store/fixSent.ts'
import { readFixSession, resetFixSession, type FixLease, type FixNumbers } from '../store/fixSessions.ts'
import type { Database } from '../store/sql.ts'
import { runBatch, type Batcher, type BatchRefusal } from './batcher.ts'
import { causeOf, owns, type Call } from './caller.ts'
import type { Runner } from './fixLine.ts'
import type { FixCancelResult, FixPlacement, FixPlaceResult, FixRefusal } from './fixOrders.ts'
import type { FixReportResult } from './fixReports.ts'
import type { Admission } from './monitor.ts'
import { preparePlacement, type Identity } from './place.ts'
import { isStop, newOrderJudge, type NewOrderRules } from './submit.ts'

/** A message that asks for something. `number`: its own. `request`: what it asks for, as JSON, for whoever answers it if it has to wait. */
type Asked = { call: Call; number: number; request: string }
export type FixOrderMessage = Asked & { terms: OrderTerms }
/** `key`: the message's own. `heldBack`: why it cancels no order by itself, and waits for an answer. */
export type FixRequestMessage = Asked & {
  key: { userId: string; clientOrderId: string }
  target: FixTarget
  heldBack?: string
}

/** See the functions of store/fixSent.ts. */
export type FixStepMessage = Omit<FixStep, keyof FixLease | 'attempt'>
export type FixReportsMessage = Omit<FixReports, keyof FixLease | 'attempt'>
export type FixStepResult = { ok: true; first: number } | FixRefusal
export type FixResetResult = { ok: true; numbers: FixNumbers } | FixRefusal

export type FixRunParts = Identity & {
  lease: FixLease
  places: Pick<Batcher<FixPlacement, FixPlaceResult>, 'submitAll'>
  cancels: Pick<Batcher<NewFixRequest, FixCancelResult>, 'submitAll'>
  reports: Pick<Batcher<FixReports, FixReportResult>, 'submitAll'>
  /** For steps. */
  db: Database
  deadlineMs: number
  accepting: Admission
  rules: NewOrderRules
  onBug: (error: unknown) => void
  onRefused?: (error: unknown) => void
}

const lost: FixRefusal = { ok: false, code: 'SESSION_LOST' }
const nextInTurn = (first: { number: number }, second: { number: number }): boolean =>
  second.number === first.number + 1

type Holdable = { heldBack: string | null }
type Answer<R> = R | FixRefusal | BatchRefusal

/**
 * Submits a unit. An item that Postgres refuses is held back then: its number is consumed and it waits for an answer, else the client would
 * send it again for ever. What comes behind it is tried again.
 */
const submitHoldingBack = async <T extends Holdable, R>(
  items: readonly T[],
  submitAll: (items: readonly T[]) => Promise<readonly Answer<R>[]>,
): Promise<Answer<R>[]> => {
  const answers: Answer<R>[] = []
  let rest = [...items]
  for (;;) {
    const results = await submitAll(rest)
    const at = results.findIndex((result) => {
      const { ok, code } = result as { ok: boolean; code?: string }
      return !ok && code === 'INTERNAL'
    })
    if (at === -1 || rest[at]!.heldBack !== null) return [...answers, ...results]
    answers.push(...results.slice(0, at))
    rest = [{ ...rest[at]!, heldBack: 'INTERNAL' }, ...rest.slice(at + 1)]
  }
}

const placing = (parts: FixRunParts): Runner<FixOrderMessage, FixPlaceResult> => {
  const { lease, places, accepting, rules, ...identity } = parts
  const refuseNew = newOrderJudge(accepting, rules)
  return {
    follows: nextInTurn,
    async run(messages) {
      const unwatched = messages.some(({ terms }) => isStop(terms)) && !(await rules.mayPlaceStops())
      const placements = messages.map(({ call, number, request, terms }): FixPlacement => {
        const heldBack = owns(call.caller, terms.userId)
          ? (refuseNew(terms, identity.now(), unwatched)?.code ?? null)
          : 'FORBIDDEN'
        const message = { ...lease, number, request }
        return { ...preparePlacement(terms, call, identity), message, heldBack }
      })
      return submitHoldingBack(placements, places.submitAll)
    },
  }
}

const canceling = ({ lease, cancels, now, newId }: FixRunParts): Runner<FixRequestMessage, FixCancelResult> => ({
  follows: nextInTurn,
  run(messages) {
    const requests = messages.map(({ call, number, request, key, target, heldBack }): NewFixRequest => {
      const mine = owns(call.caller, key.userId)
      return {
        message: { ...lease, number, request },
        key: mine ? key : { ...key, clientOrderId: null },
        target: mine ? target : null,
        heldBack: mine ? (heldBack ?? null) : 'FORBIDDEN',
        reason: { code: 'USER_CANCELED', text: null },
        cause: causeOf(call),
        event: { eventId: newId(now()), traceparent: call.traceparent },
      }
    })
    return submitHoldingBack(requests, cancels.submitAll)
  },
})

/** Runs one statement until its outcome is known, or the deadline is over. */
const surely = async <R>(run: () => Promise<R>, { deadlineMs, onBug, onRefused }: FixRunParts) => {
  const giveUpAt = performance.now() + deadlineMs
  const [answer] = await runBatch([null], {
    run: async () => [await run()],
    kind: 'write',
    onBug,
    ...(onRefused !== undefined && { onRefused }),
    giveUpAt,
  })
  return answer!
}

const stepping = (parts: FixRunParts): Runner<FixStepMessage, FixStepResult> => {
  const { lease, db, newId, now } = parts
  return {
    follows: () => false,
    async run([message]) {
      const step = { ...message!, ...lease, attempt: newId(now()) }
      const answer = await surely(async (): Promise<FixStepResult> => {
        const first = await db.run((sql) => advanceFixSession(sql, step))
        if (first !== null) return { ok: true, first }
        const session = await db.run((sql) => readFixSession(sql, lease))
        return session?.attempt === step.attempt ? { ok: true, first: session.attemptOut! } : lost
      }, parts)
      return [answer]
    },
  }
}

const reporting = ({ lease, reports, newId, now }: FixRunParts): Runner<FixReportsMessage, FixReportResult> => ({
  follows: () => false,
  run: ([message]) => reports.submitAll([{ ...message!, ...lease, attempt: newId(now()) }]),
})

/** Where an answer was lost it may begin two series; nothing is sent in between. */
const resetting = (parts: FixRunParts): Runner<null, FixResetResult> => ({
  follows: () => false,
  async run() {
    const answer = await surely(async (): Promise<FixResetResult> => {
      const numbers = await parts.db.run((sql) => resetFixSession(sql, parts.lease))
      return numbers === null ? lost : { ok: true, numbers }
    }, parts)
    return [answer]
  },
})

export const createFixRuns = (parts: FixRunParts) => ({
  place: placing(parts),
  cancel: canceling(parts),
  step: stepping(parts),
  report: reporting(parts),
  reset: resetting(parts),
})
