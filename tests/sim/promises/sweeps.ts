// Checks cancels of many orders, by the commits: whatever was there when one began has ended when it is done, whatever came later is left
// alone; a switch fires once, never early, and not if it was armed anew before; each request is told what happened.

import type { CancelScope } from '../../../src/store/covered.ts'
import type { Arming, Journal, MassCanceling, SweepFact, SwitchFact } from '../journal.ts'
import type { ChangeRecord, OrderRecord, Postgres } from '../postgres/state.ts'
import { epochMs } from '../world.ts'

type Facts = { db: Postgres; journal: Journal; broken: (what: string) => void }
type Range = CancelScope & { name: string }

const means = ({ userId, ticker, side }: CancelScope, order: OrderRecord): boolean =>
  (userId === null || userId === order.user_id) &&
  (ticker === null || ticker === order.ticker) &&
  (side === null || side === order.side)

const rangeOf = ({ sweep: { id, user_id, ticker, side, reason_code } }: SweepFact): Range => ({
  userId: user_id,
  ticker,
  side: side as CancelScope['side'],
  name: `the sweep ${id} (${reason_code})`,
})

const requestOf = ({ cause }: { cause: string }): string =>
  (JSON.parse(cause) as { requestId?: string }).requestId ?? ''

const acceptedAt = ({ log }: Journal, id: string): number =>
  log.find(({ orderId, version }) => orderId === id && version === 0)!.committedAt

const isOpen = ({ status }: OrderRecord): boolean => status === 'NEW' || status === 'PARTIALLY_FILLED'

/** What was committed before it began and is open when it says that it is done. */
const checkMissed = ({ db, journal, broken }: Facts, range: Range, beganAt: number): void => {
  for (const order of db.orders.values())
    if (isOpen(order) && means(range, order) && acceptedAt(journal, order.id) < beganAt)
      broken(`${range.name} is done, and order ${order.id}, which was there, is ${order.status}`)
}

/** Called when a sweep is written or changed. */
export const checkSweep = (facts: Facts, fact: SweepFact): void => {
  if (fact.sweep.done_at !== null) checkMissed(facts, rangeOf(fact), fact.startedAt)
}

/** Called when a mass cancel was answered. */
export const checkMassAnswer = (facts: Facts, { tag, scope, sentAt, answer }: MassCanceling): void => {
  const result = answer?.result
  if (result?.ok === true && !result.remaining) checkMissed(facts, { ...scope, name: tag }, sentAt)
}

/**
 * Called at every change of a switch. A deadline that passed before the statement has fired in it, with its sweep; one that is ahead has not. `sweeps`:
 * those of the same transaction.
 */
export const checkSwitch = ({ broken }: Facts, fact: SwitchFact, sweeps: readonly SweepFact[]): void => {
  const { before, after, startedAt } = fact
  const due = before?.fires_at ?? null
  const fired = sweeps.filter(({ sweep }) => sweep.user_id === after.user_id && sweep.reason_code === 'CANCEL_AFTER')
  const name = `the switch of ${after.user_id}, due at ${due}`
  const isDue = due !== null && due <= epochMs + startedAt
  if (fired.length !== (isDue ? 1 : 0)) broken(`${name}: at ${epochMs + startedAt} it fired ${fired.length} times`)
  for (const { sweep } of fired)
    if (sweep.due_at !== due || sweep.begun_at < due! || sweep.cause !== before!.cause)
      broken(`${name}: its sweep began at ${sweep.begun_at}, due at ${sweep.due_at}`)
}

const many: ReadonlySet<string> = new Set(['MASS_CANCELED', 'CANCEL_AFTER', 'HALT'])

/** An order that one of them canceled was meant by it, and was there before it was answered, or written down. */
const checkCanceled = ({ journal, broken }: Facts, order: OrderRecord, change: ChangeRecord): void => {
  const requestId = requestOf(change)
  const name = `order ${order.id}, canceled as ${change.reason_code} by ${requestId}`
  const at = acceptedAt(journal, order.id)
  if (change.reason_code === 'MASS_CANCELED') {
    const mass = journal.massCancelings.find(({ tag }) => tag === requestId)
    if (mass === undefined || !means(mass.scope, order)) return broken(`${name}: nobody meant it`)
    if (at > mass.answeredAt) broken(`${name}: it was placed after the answer`)
    return
  }
  // A switch that was armed twice for one request, because its first answer was lost, may have fired twice.
  const sweep = [...journal.sweeps.values()].findLast((each) => requestOf(each.sweep) === requestId)
  if (sweep === undefined || !means(rangeOf(sweep), order)) return broken(`${name}: nobody meant it`)
  if (at > sweep.committedAt) broken(`${name}: it was placed after the sweep had begun`)
}

const checkMass = ({ db, broken }: Facts, { tag, answer, scope }: MassCanceling): void => {
  if (answer === null) return broken(`${tag}: no answer ever came`)
  const { result } = answer
  if (result === null) return
  if (!result.ok) {
    const own = [...db.changes.values()].flat().filter((change) => requestOf(change) === tag)
    if (result.code === 'INTERNAL') broken(`${tag}: no mass cancel is a bug`)
    // A statement whose answer was late may still do its work.
    if (result.code !== 'OUTCOME_UNKNOWN' && own.length > 0)
      broken(`${tag}: refused, and canceled ${own.length} orders`)
    return
  }
  for (const id of result.canceled) {
    const order = db.orders.get(id)
    if (order?.status !== 'CANCELED' || !means(scope, order)) broken(`${tag}: order ${id} was to be canceled`)
  }
  for (const { id, status } of result.notCanceled)
    if (db.orders.get(id)?.status !== status) broken(`${tag}: order ${id} was to be ${status}`)
  if (
    new Set([...result.canceled, ...result.notCanceled.map(({ id }) => id)]).size !==
    result.canceled.length + result.notCanceled.length
  )
    broken(`${tag}: an order is named twice`)
}

/**
 * The requests of one user come one after the other, until an answer is lost. One that is made twice, because its first answer was lost, may have fired
 * in between: then it says so itself.
 */
const checkArmings = ({ journal, broken }: Facts, armings: readonly Arming[]): void => {
  const firings = [...journal.sweeps.values()].filter(({ sweep }) => sweep.reason_code === 'CANCEL_AFTER')
  const firedAt = Map.groupBy(firings, ({ sweep }) => requestOf(sweep))
  const hasFired = ({ tag }: Arming, when: (at: number) => boolean): boolean =>
    (firedAt.get(tag) ?? []).some(({ committedAt }) => when(committedAt))
  const may = armings.filter(
    ({ answer }) =>
      answer?.result?.ok === true ||
      (answer?.result === null && answer.why === 'lost') ||
      (answer?.result?.ok === false && answer.result.code === 'OUTCOME_UNKNOWN'),
  )
  may.forEach((arming, i) => {
    const result = arming.answer?.result
    const fired = hasFired(arming, () => true)
    // What fired before its answer may have been its first attempt, or the last.
    const firedLate = hasFired(arming, (at) => result?.ok !== true || at > arming.answeredAt)
    const follower = may[i + 1]
    const next = follower?.answer?.result
    if (follower !== undefined && next?.ok === true) {
      const before = hasFired(follower, (at) => at <= follower.answeredAt)
      if (next.armed.fired !== (fired || before) && next.armed.fired !== (firedLate || before))
        broken(
          `${follower.tag}: it was told ${next.armed.fired}; ${arming.tag} fired: ${fired}, itself before: ${before}`,
        )
    }
    if (result?.ok !== true) return
    const { firesAt } = result.armed
    if (follower === undefined && firesAt !== null && !fired) broken(`${arming.tag}: it never fired`)
    if (firesAt === null && firedLate) broken(`${arming.tag}: disarmed, and fired`)
  })
  for (const { tag, answer } of armings) {
    if (answer === null) broken(`${tag}: no answer ever came`)
    if (answer?.result?.ok === false && answer.result.code === 'INTERNAL') broken(`${tag}: no arming is a bug`)
  }
}

export const checkSweeps = (facts: Facts): void => {
  const { db, journal, broken } = facts
  for (const order of db.orders.values()) {
    const changes = db.changes.get(order.id) ?? []
    if (changes.filter(({ kind }) => kind !== 'TRIGGERED').length > 1) broken(`order ${order.id} ended twice`)
    for (const change of changes) if (many.has(change.reason_code ?? '')) checkCanceled(facts, order, change)
  }
  for (const mass of journal.massCancelings) checkMass(facts, mass)
  for (const armings of Map.groupBy(journal.armings, ({ userId }) => userId).values()) checkArmings(facts, armings)
  const requests = [...journal.sweeps.values()].map(({ sweep }) => requestOf(sweep))
  const begun = [...journal.sweeps.values()].map(({ sweep }) => `${requestOf(sweep)} ${sweep.due_at}`)
  if (new Set(begun).size !== begun.length) broken('one request, or one deadline of a switch, began two sweeps')
  for (const { tag, cancelOpen, answer } of journal.tradings)
    if (cancelOpen && answer?.result?.ok === true && !requests.includes(tag)) broken(`${tag}: the open orders stay`)
}

/** Whether every sweep is done and no switch is armed. */
export const sweepsRest = ({ sweeps, switches }: Postgres): boolean =>
  sweeps.values().every(({ done_at }) => done_at !== null) &&
  switches.values().every(({ fires_at }) => fires_at === null)
