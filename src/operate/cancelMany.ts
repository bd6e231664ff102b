// Cancels every open order of a user, a ticker or a side: page after page, until the service says that none remains.

import { listIn, member, objectsIn, type Members } from '../client/text.ts'
import { createProgress } from '../telemetry/terminal.ts'
import { toExactJson } from '../wire/json.ts'
import type { Query } from './call.ts'
import { confirm } from './confirm.ts'
import type { Context } from './context.ts'
import { countOpen } from './openOrders.ts'
import { persist } from './persist.ts'
import { objectOf, refusalText } from './refusal.ts'

/** Answers in a row that cancel nothing though something remains; then it gives up. */
const idleMax = 10
const idlePauseMs = 1_000
/** Orders that were not canceled, of which a person is shown each. */
const shownMax = 50

/** `atLeast`: an answer was lost, and what it canceled is not counted. */
type Totals = { canceled: number; notCanceled: Members[]; remaining: boolean; atLeast: boolean }

/** Such as `BUY, AAPL`. */
const scopeText = ({ userId, ticker, side }: Query): string =>
  [side, userId === undefined ? undefined : `user ${String(userId)}`, ticker]
    .filter((part) => part !== undefined)
    .join(', ')

/** Null once nothing remains; else why it stopped. */
const sweep = async (context: Context, query: Query, totals: Totals): Promise<string | null> => {
  const progress = createProgress(process.stderr)
  let idle = 0
  try {
    while (!context.signal.aborted) {
      const reply = await persist(context, { method: 'DELETE', path: 'orders', query })
      if (reply.maybeBefore) totals.atLeast = true
      if (reply.kind === 'none') return reply.reason
      const { answer } = reply
      if (answer.status !== 200) return refusalText(answer, 'cancel these orders', context.access)
      const body = objectOf(answer.text)
      const ids = listIn(body, 'canceled')
      const others = objectsIn(body, 'notCanceled')
      if (context.json && ids.length + others.length > 0)
        await context.print(
          [...ids.map((canceled) => ({ canceled })), ...others.map((notCanceled) => ({ notCanceled }))]
            .map(toExactJson)
            .join('\n'),
        )
      totals.canceled += ids.length
      totals.notCanceled.push(...others)
      // Whatever does not say that it is done is not done.
      totals.remaining = body['remaining'] !== false
      if (!totals.remaining) return null
      idle = ids.length === 0 ? idle + 1 : 0
      if (idle >= idleMax) return `the service canceled nothing ${idleMax} times, though orders remain`
      if (idle > 0) await context.pace.sleep(idlePauseMs, context.signal)
      progress.show('orders canceled', totals.canceled, null)
    }
    return 'interrupted'
  } finally {
    progress.clear()
  }
}

const report = async (context: Context, totals: Totals, stopped: string | null): Promise<number> => {
  const { canceled, notCanceled, remaining, atLeast } = totals
  if (context.json) {
    await context.print(toExactJson({ total: { canceled, notCanceled: notCanceled.length, remaining, atLeast } }))
  } else {
    await context.print(
      `${atLeast ? 'at least ' : ''}${canceled} orders canceled, ${notCanceled.length} ended before they could be`,
    )
    for (const order of notCanceled.slice(0, shownMax))
      await context.print(`  ${member(order, 'id')} ${member(order, 'orderStatus')}`)
    if (notCanceled.length > shownMax) await context.print(`  and ${notCanceled.length - shownMax} more`)
  }
  if (stopped === null) return 0
  context.say(`${stopped}. Orders may remain: give the same command again`)
  return 1
}

export const cancelMany = async (context: Context, query: Query, isSure: boolean): Promise<number> => {
  if (!isSure) {
    const count = await countOpen(context, query)
    if (!count.ok) {
      context.say(count.reason)
      return 1
    }
    if (count.value === null) {
      context.say(`no open orders (${scopeText(query)}): nothing to cancel`)
      return 0
    }
    const code = await confirm(context, `cancels ${count.value} (${scopeText(query)})`)
    if (code !== 0) return code
  }
  const totals: Totals = { canceled: 0, notCanceled: [], remaining: true, atLeast: false }
  const stopped = await sweep(context, query, totals)
  return report(context, totals, stopped)
}
