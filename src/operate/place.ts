// `orders place`: places one order, with a key by which asking again is safe.

import { member, objectIn, type Members } from '../client/text.ts'
import { sides } from '../domain/terms.ts'
import { toExactJson } from '../wire/json.ts'
import { orderJudgements } from '../wire/orderJudgements.ts'
import type { Context } from './context.ts'
import { defineCommand } from './grammar.ts'
import { styleOf } from './paint.ts'
import { persist, type Reply } from './persist.ts'
import { placeFlags, readOrder, type OrderBody } from './placeOptions.ts'
import { objectOf, refusalText } from './refusal.ts'
import { detailsText } from './show.ts'

/**
 * `repeated`: the key was used before by this very order. `refused`: it was judged; nothing, or a REJECTED order, is stored.
 * `not placed`: nothing is stored, though it was not judged. `unknown`: it may be stored.
 */
type Outcome = {
  kind: 'accepted' | 'repeated' | 'valid' | 'refused' | 'not placed' | 'unknown'
  text: string
  order?: Members
  problem?: Members
}

const refusedBy = (answer: Members, text: string): Outcome => {
  const reason = objectIn(answer, 'reason')
  if (reason === null) return { kind: 'refused', text, problem: answer }
  const why = [member(reason, 'code'), member(reason, 'text')].filter((part) => part !== '').join(': ')
  const kept = member(objectIn(answer, 'order') ?? {}, 'id')
  const where = kept === '' ? '' : ` (kept as order ${kept}; its key is used)`
  return { kind: 'refused', text: `${why}${where}`, problem: answer }
}

const outcomeOf = (reply: Reply, { access }: Context): Outcome => {
  if (reply.kind === 'none') return { kind: reply.maybeBefore ? 'unknown' : 'not placed', text: reply.reason }
  const { answer, maybeBefore } = reply
  const body = objectOf(answer.text)
  if (answer.status === 200) return { kind: 'valid', text: 'the service would accept it' }
  if (answer.status === 202) {
    const isRepeated = answer.headers.get('idempotent-replayed') === 'true'
    if (isRepeated && !maybeBefore)
      return { kind: 'repeated', text: 'this key was used before, for this order', order: body }
    return { kind: 'accepted', text: isRepeated ? 'by an attempt before the last' : '', order: body }
  }
  const text = refusalText(answer, 'place this order', access)
  const isJudged = orderJudgements.has(member(body, 'code'))
  return maybeBefore && !isJudged ? { kind: 'unknown', text, problem: body } : refusedBy(body, text)
}

/** What to do where it is not known whether the order exists. */
const advice = (key: string): string => {
  const quoted = `'${key.replaceAll("'", "'\\''")}'`
  return (
    `The order may exist. Give the same command again with --key ${quoted}: it answers that order, or places it.\n` +
    `Or make certain that it never is placed: orders void ${quoted} with the same --user`
  )
}

const report = async (context: Context, outcome: Outcome, key: string | undefined): Promise<number> => {
  const { kind, text, order, problem } = outcome
  const isGood = kind === 'accepted' || kind === 'repeated' || kind === 'valid'
  if (context.json) {
    const reason = isGood || problem !== undefined ? {} : { reason: text }
    await context.print(toExactJson({ outcome: kind, key, order, problem, ...reason }))
    return isGood ? 0 : 1
  }
  const head = `${context.paint(styleOf(kind), kind)}${text === '' ? '' : `: ${text}`}`
  if (isGood) await context.print(order === undefined ? head : `${head}\n${detailsText(order, context.paint)}`)
  else context.say(kind === 'unknown' && key !== undefined ? `${head}\n${advice(key)}` : head)
  return isGood ? 0 : 1
}

const place = async (context: Context, order: OrderBody, isDryRun: boolean): Promise<number> => {
  const key = order.clientOrderId ?? (isDryRun ? undefined : context.newKey())
  // Before anything is sent: whatever happens to this process, the key is on the screen.
  if (order.clientOrderId === undefined && key !== undefined) context.say(`the key is ${key}`)
  const reply = await persist(context, {
    method: 'POST',
    path: isDryRun ? 'orders/validate' : 'orders',
    body: { ...order, clientOrderId: key },
  })
  return report(context, outcomeOf(reply, context), key as string | undefined)
}

export const placeCommand = defineCommand({
  form: 'BUY|SELL <quantity> <ticker> --limit <price> | --market',
  about: 'Places an order: orders place --user <uuid> BUY 100 AAPL --limit 187.50',
  flags: placeFlags,
  words: sides,
  notes: `Amounts are read exactly, in plain notation. After a time-out, a 503 or a 504 it asks again with the same key, for a minute at most.
Then it says: accepted; repeated (the key was used before, for this order); refused, and why; not placed (nothing was stored); or
unknown (the order may exist: give the command again with --key). With --json: { "outcome", "key", "order" or "problem" or "reason" }.
`,
  read(values, words, faults) {
    const order = readOrder(values, words, faults)
    return (context) => place(context, order, values['dry-run'])
  },
})
