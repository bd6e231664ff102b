// How a row of the matrices is played at a service where nothing is ever pending: what causes each report, and what it then says.
//
// `reduced`: the service decides, as an exchange does (FIX 5.0 SP2, "Exchanges"): a request is dealt with where FIX has its answer. No report is
// pending. `verbose`: the engine confirms a cancel. The service has answered the request where it stands, so what is filled after it comes late,
// and the engine's report finds the order canceled already.

import type { Applies, Awaited, Scenario } from './matrices.ts'
import type {
  ExecutionReport,
  NewOrderSingle,
  OrderCancelReject,
  OrderCancelRequest,
  OrderStatusRequest,
  OrdStatus,
  Step,
} from './words.ts'

type Request = NewOrderSingle | OrderCancelRequest | OrderStatusRequest

/** Where a report comes from. `clock`: the end of the order comes. `market`: a trade of others, at this price. */
export type Cause =
  | { by: 'client'; request: Request }
  | { by: 'engine'; does: 'trade'; quantity: number; price: number }
  | { by: 'engine'; does: 'cancel' | 'reject'; cumQty: number }
  | { by: 'clock' }
  | { by: 'market'; price: number }

/** One cause and what the client sees of it. `nothing`: no report; the order is as it was. */
type Act = { cause: Cause; expect: ExecutionReport | OrderCancelReject; nothing?: true }

/** `name`: the row, the branch and the form. */
export type Play = { name: string; acts: readonly Act[] }

/** Where a page names no price. */
const plainPrice = 100

const byAmounts = ({ orderQty, cumQty }: ExecutionReport): OrdStatus =>
  cumQty === 0 ? 'New' : cumQty === orderQty ? 'Filled' : 'PartiallyFilled'

/** The report without what the service does not say: it has nothing pending, and a day order that is over is Expired, which FIX allows. */
const asShown = (report: ExecutionReport): ExecutionReport => {
  const { execType, ordStatus } = report
  return {
    ...report,
    execType: execType === 'DoneForDay' ? 'Expired' : execType,
    ordStatus:
      ordStatus === 'PendingCancel' || ordStatus === 'PendingReplace'
        ? byAmounts(report)
        : ordStatus === 'DoneForDay'
          ? 'Expired'
          : ordStatus,
  }
}

const isPending = (step: Step): boolean =>
  step.message === 'ExecutionReport' && (step.execType === 'PendingCancel' || step.execType === 'PendingReplace')
const isOptional = (step: Step): boolean => step.message === 'ExecutionReport' && step.optional === true

/** Whether a row that waits for something cannot go on at this step. */
const blocks = {
  replace: (step) => step.message === 'OrderCancelReplaceRequest',
  bust: (step) =>
    step.message === 'ExecutionReport' && (step.execType === 'TradeCancel' || step.execType === 'TradeCorrect'),
  restate: (step) => step.message === 'ExecutionReport' && step.execType === 'Restated' && !isOptional(step),
  halt: (step) =>
    step.message === 'ExecutionReport' && (step.execType === 'Suspended' || step.execRestatementReason === 6),
} as const satisfies Record<Awaited, (step: Step) => boolean>

/** The steps that can be played: all, or those before what the row waits for. */
const playable = (steps: readonly Step[], applies: Applies): readonly Step[] => {
  if (applies.is === 'not applicable') return []
  if (applies.is === 'applicable') return steps
  const end = steps.findIndex(blocks[applies.needs])
  return end === -1 ? steps : steps.slice(0, end)
}

/** Takes the request that this message answers out of those that wait for an answer. */
const takeRequest = (
  waiting: Request[],
  { clOrdId, message }: ExecutionReport | OrderCancelReject,
): Request | undefined => {
  const at = waiting.findIndex(
    (request) =>
      request.clOrdId === clOrdId && (message === 'ExecutionReport' || request.message === 'OrderCancelRequest'),
  )
  return at === -1 ? undefined : waiting.splice(at, 1)[0]
}

/** What makes the sell side send this report, if it answers no request. */
const unsolicited = ({ execType, cumQty, lastQty, lastPx = plainPrice }: ExecutionReport): Cause => {
  if (execType === 'Trade') return { by: 'engine', does: 'trade', quantity: lastQty ?? 0, price: lastPx }
  if (execType === 'Canceled') return { by: 'engine', does: 'cancel', cumQty }
  if (execType === 'Rejected') return { by: 'engine', does: 'reject', cumQty }
  if (execType === 'Expired' || execType === 'DoneForDay') return { by: 'clock' }
  if (execType === 'Triggered') return { by: 'market', price: lastPx }
  throw new Error(`nothing that a runner can do causes ${execType}`)
}

const isRequest = (step: Step): step is Request =>
  step.message === 'NewOrderSingle' || step.message === 'OrderCancelRequest' || step.message === 'OrderStatusRequest'

const reduced = (steps: readonly Step[]): Act[] => {
  const waiting: Request[] = []
  const acts: Act[] = []
  for (const step of steps) {
    if (isRequest(step)) waiting.push(step)
    else if (
      (step.message === 'ExecutionReport' && !isPending(step) && !isOptional(step)) ||
      step.message === 'OrderCancelReject'
    ) {
      // A fill answers no request, although it carries the id of the order.
      const request =
        step.message === 'ExecutionReport' && step.execType === 'Trade' ? undefined : takeRequest(waiting, step)
      if (request !== undefined)
        acts.push({
          cause: { by: 'client', request },
          expect: step.message === 'ExecutionReport' ? asShown(step) : step,
        })
      else if (step.message === 'ExecutionReport') acts.push({ cause: unsolicited(step), expect: asShown(step) })
      else throw new Error('a request is refused that nobody sent')
    }
  }
  return acts
}

/** Whether an engine could confirm the cancel of this path: it was pending, was accepted, and the engine knows the order. */
const isConfirmed = (steps: readonly Step[]): boolean =>
  steps.some((step) => step.message === 'ExecutionReport' && step.execType === 'PendingCancel') &&
  steps.some((step) => step.message === 'ExecutionReport' && step.execType === 'Canceled') &&
  steps.every((step) => step.message !== 'NewOrderSingle' || step.stopPx === undefined)

/** From the reduced form: the request goes back to where it stands among the fills, and the engine confirms where FIX has the answer. */
const verbose = (steps: readonly Step[]): Act[] => {
  const acts = reduced(steps)
  const end = acts.findIndex(({ expect }) => expect.message === 'ExecutionReport' && expect.execType === 'Canceled')
  const canceled = acts[end]!.expect as ExecutionReport
  const asked = steps.findIndex(({ message }) => message === 'OrderCancelRequest')
  const fillsBefore = steps
    .slice(0, asked)
    .filter((step) => step.message === 'ExecutionReport' && step.execType === 'Trade').length
  // Behind the acceptance, which the request may cross, and behind the fills before it.
  const at = 1 + fillsBefore
  const before = acts[at - 1]!.expect as ExecutionReport
  const late = acts.slice(at, end).map(({ cause, expect }): Act => {
    if (expect.message !== 'ExecutionReport') throw new Error('a fill is reported')
    return { cause, expect: { ...expect, ordStatus: 'Canceled', leavesQty: 0 } }
  })
  const answer: Act = { cause: acts[end]!.cause, expect: { ...canceled, cumQty: before.cumQty } }
  const last = late.at(-1) ?? answer
  const confirmation: Act = {
    cause: { by: 'engine', does: 'cancel', cumQty: canceled.cumQty },
    expect: last.expect,
    nothing: true,
  }
  return [...acts.slice(0, at), answer, ...late, confirmation]
}

/** All that is to be played of a row; none: it is not applicable, or waits for something before its first report. */
export const playsOf = ({ id, steps, branches = [], applies }: Scenario): Play[] => {
  const paths = [
    { title: '', steps, applies },
    ...branches.map((branch) => ({ ...branch, title: `, ${branch.title}` })),
  ]
  return paths
    .flatMap(({ title, steps, applies }): Play[] => {
      const some = playable(steps, applies)
      const plain = { name: `${id}${title}, reduced`, acts: reduced(some) }
      return isConfirmed(some) ? [plain, { name: `${id}${title}, verbose`, acts: verbose(some) }] : [plain]
    })
    .filter(({ acts }) => acts.length > 0)
}
