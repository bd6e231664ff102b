// Cancels orders by their ids, one after the other.

import { member, objectIn, type Members } from '../client/text.ts'
import { toExactJson } from '../wire/json.ts'
import type { Call } from './call.ts'
import type { Context } from './context.ts'
import { persist, type Reply } from './persist.ts'
import { objectOf, refusalText } from './refusal.ts'
import { tableLines, type Column } from './table.ts'

/** `text`: why not; empty where it was canceled. */
type Outcome = {
  id: string
  outcome: 'canceled' | 'refused' | 'not canceled' | 'unknown'
  text: string
  order?: Members
  problem?: Members
}

/** `DELETE`: what remains. `POST …/cancel`: only an order that nothing was filled of. */
const callOf = (id: string, onlyNew: boolean): Call =>
  onlyNew ? { method: 'POST', path: `orders/${id}/cancel` } : { method: 'DELETE', path: `orders/${id}` }

const outcomeOf = (id: string, reply: Reply, context: Context): Outcome => {
  if (reply.kind === 'none') return { id, outcome: reply.maybeBefore ? 'unknown' : 'not canceled', text: reply.reason }
  const { answer, maybeBefore } = reply
  const body = objectOf(answer.text)
  if (answer.status === 200) return { id, outcome: 'canceled', text: '', order: body }
  // Of POST …/cancel: an attempt whose answer was lost did it.
  if (maybeBefore && answer.status === 409 && member(body, 'orderStatus') === 'CANCELED')
    return { id, outcome: 'canceled', text: 'by an attempt before the last', problem: body }
  const text = refusalText(answer, 'cancel this order', context.access)
  return { id, outcome: maybeBefore && answer.status < 404 ? 'unknown' : 'refused', text, problem: body }
}

const statusOf = ({ order, problem }: Outcome): string =>
  order === undefined ? member(problem ?? {}, 'orderStatus') : member(order, 'status')
const inOrder =
  (name: string) =>
  ({ order }: Outcome): string =>
    order === undefined ? '' : member(order, name)

const columns: readonly Column<Outcome>[] = [
  { head: 'ORDER', cell: ({ id }) => id },
  { head: 'OUTCOME', cell: ({ outcome }) => outcome },
  { head: 'STATUS', leave: 1, cell: statusOf },
  { head: 'TICKER', leave: 5, cell: inOrder('ticker') },
  { head: 'SIDE', leave: 4, cell: inOrder('side') },
  { head: 'QUANTITY', right: true, leave: 3, cell: inOrder('quantity') },
  { head: 'FILLED', right: true, leave: 2, cell: inOrder('filledQuantity') },
  {
    head: 'REASON',
    leave: 6,
    cell: ({ order, text }) => (text === '' ? member(objectIn(order ?? {}, 'reason') ?? {}, 'code') : text),
  },
]

const jsonOf = ({ id, outcome, text, order, problem }: Outcome): string =>
  toExactJson({ id, outcome, order, problem, reason: order === undefined && problem === undefined ? text : undefined })

/** Exit code 1 if one of them was not canceled. */
export const cancelOrders = async (context: Context, ids: readonly string[], onlyNew: boolean): Promise<number> => {
  const outcomes: Outcome[] = []
  for (const id of ids) {
    if (context.signal.aborted) {
      context.say(`interrupted: ${ids.length - outcomes.length} orders were not tried`)
      break
    }
    const outcome = outcomeOf(id, await persist(context, callOf(id, onlyNew)), context)
    outcomes.push(outcome)
    if (context.json) await context.print(jsonOf(outcome))
  }
  if (!context.json) {
    await context.print(tableLines(columns, outcomes, context).join('\n'))
    for (const { id, outcome, text } of outcomes) if (outcome !== 'canceled') context.say(`${id}: ${outcome}: ${text}`)
  }
  return outcomes.length === ids.length && outcomes.every(({ outcome }) => outcome === 'canceled') ? 0 : 1
}
