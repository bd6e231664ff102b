// `orders get`: one order in full, with its fills and what happened to it.

import type { Members } from '../client/text.ts'
import { canonicalUuid } from '../domain/ids.ts'
import { uuidForm } from '../domain/patterns.ts'
import { toExactJson } from '../wire/json.ts'
import type { Context } from './context.ts'
import { fieldsInto } from './fields.ts'
import { defineCommand } from './grammar.ts'
import { getObject, getRows } from './read.ts'
import { detailsText, eventsText, fillsText } from './show.ts'

/** Of each of the two lists. */
const rowsMax = 10_000

type Parts = { fills: boolean; events: boolean }
const what = 'read this order'

const listOf = async (context: Context, id: string, name: 'fills' | 'events'): Promise<Members[] | null> => {
  const got = await getRows(context, { path: `orders/${id}/${name}`, what, rows: name, limit: rowsMax })
  if (!got.ok) {
    context.say(got.reason)
    return null
  }
  if (got.value.next !== null) context.say(`there are more than these ${rowsMax} ${name}`)
  return got.value.rows
}

const get = async (context: Context, id: string, parts: Parts): Promise<number> => {
  const got = await getObject(context, { path: `orders/${id}`, what })
  if (!got.ok) {
    context.say(got.reason)
    return 1
  }
  const fills = parts.fills ? await listOf(context, id, 'fills') : undefined
  const events = parts.events ? await listOf(context, id, 'events') : undefined
  if (fills === null || events === null) return 1
  const { object: order, text } = got.value
  if (context.json) {
    const isAlone = fills === undefined && events === undefined
    await context.print(isAlone ? text : toExactJson({ order, fills, events }))
    return 0
  }
  const blocks = [
    detailsText(order, context.paint),
    ...(fills === undefined ? [] : [fills.length === 0 ? 'no fills' : fillsText(fills, context)]),
    ...(events === undefined ? [] : [eventsText(events, context)]),
  ]
  await context.print(blocks.join('\n\n'))
  return 0
}

export const getCommand = defineCommand({
  form: '<id>',
  about: 'Shows an order: orders get <id> --events',
  flags: {
    fills: { kind: 'switch', about: 'and its fills, newest first' },
    events: { kind: 'switch', about: 'and what happened to it, oldest first, with the cause of each event' },
  },
  notes: `With --json the order as the service answers it; with --fills or --events { "order", "fills", "events" }.
`,
  read({ fills, events }, words, faults) {
    const read = fieldsInto(faults)
    read.nothingBehind(words, 1)
    const id = canonicalUuid(words[0] ?? '')
    if (id === null) faults.push(`the id of the order ${uuidForm.rule}`)
    return (context) => get(context, id!, { fills, events })
  },
})
