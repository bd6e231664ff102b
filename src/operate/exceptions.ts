// `orders exceptions`: legs of trades and reports of the engine that did not fit, and what somebody did about one.

import { member, objectIn, type Members } from '../client/text.ts'
import { canonicalUuid } from '../domain/ids.ts'
import { exceptionDispositions } from '../domain/leg.ts'
import { uuidForm } from '../domain/patterns.ts'
import { reportExceptions } from '../domain/report.ts'
import { toExactJson } from '../wire/json.ts'
import type { Query } from './call.ts'
import type { Context } from './context.ts'
import { fieldsInto } from './fields.ts'
import { defineCommand, type Flag } from './grammar.ts'
import { persist } from './persist.ts'
import { getRows } from './read.ts'
import { objectOf, refusalText } from './refusal.ts'
import { detailsText } from './show.ts'
import { tableLines, type Column } from './table.ts'

const limitDefault = 50
const limitMax = 10_000
const dispositions = [...new Set([...exceptionDispositions, ...reportExceptions])]

const reportsFlag = {
  kind: 'switch',
  about: 'those of reports of the engine instead of trades',
} as const satisfies Flag
const pathOf = (reports: boolean): string => (reports ? 'exceptions/reports' : 'exceptions')

const of =
  (name: string) =>
  (row: Members): string =>
    member(row, name)

const columns: readonly Column<Members>[] = [
  { head: 'EXCEPTION', cell: of('id') },
  { head: 'RECORDED', leave: 5, cell: of('recordedAt') },
  { head: 'DISPOSITION', cell: of('disposition') },
  { head: 'ORDER', leave: 1, cell: of('orderId') },
  { head: 'TRADE', leave: 3, cell: of('tradeId') },
  { head: 'REPORT', leave: 3, cell: of('reportId') },
  { head: 'KIND', leave: 4, cell: of('kind') },
  { head: 'TICKER', leave: 4, cell: of('ticker') },
  { head: 'SIDE', leave: 6, cell: of('side') },
  { head: 'QUANTITY', right: true, leave: 6, cell: of('quantity') },
  { head: 'PRICE', right: true, leave: 6, cell: of('price') },
  { head: 'REASON', leave: 2, cell: of('reason') },
  { head: 'RESOLVED BY', leave: 7, cell: (row) => member(objectIn(row, 'resolution') ?? {}, 'resolvedBy') },
]

type Asked = { path: string; query: Query; limit: number }

const list = async (context: Context, asked: Asked): Promise<number> => {
  const got = await getRows(context, { ...asked, what: 'list exceptions', rows: 'exceptions' })
  if (!got.ok) {
    context.say(got.reason)
    return 1
  }
  const { rows, next } = got.value
  if (rows.length === 0) context.say('no exceptions')
  else if (context.json) await context.print(rows.map(toExactJson).join('\n'))
  else await context.print(tableLines(columns, rows, context).join('\n'))
  if (next !== null) context.say('there may be more: --limit')
  return 0
}

export const exceptionsCommand = defineCommand({
  form: '[resolve <id> --by <name> --note <text>]',
  about: 'Lists the open exceptions: what did not fit, kept whole',
  flags: {
    reports: reportsFlag,
    all: { kind: 'switch', about: 'the resolved ones too' },
    order: { kind: 'text', value: 'uuid', about: 'of this order' },
    disposition: {
      kind: 'list',
      value: 'word',
      about: `${dispositions.join(', ')}; may be repeated`,
      words: dispositions,
    },
    limit: { kind: 'text', value: 'n', about: `so many at most, default ${limitDefault}, up to ${limitMax}` },
  },
  notes: `With --json an exception a line, with its message as it came.
`,
  read(values, words, faults) {
    const read = fieldsInto(faults)
    read.nothingBehind(words, 0)
    const query = {
      orderId: read.uuid('--order', values.order),
      disposition: values.disposition.flatMap((text) => read.choice('--disposition', text, dispositions) ?? []),
      resolved: values.all ? undefined : 'false',
    }
    const limit = read.whole('--limit', values.limit, 1, limitMax) ?? limitDefault
    return (context) => list(context, { path: pathOf(values.reports), query, limit })
  },
})

type Resolution = { path: string; body: { resolvedBy: string; note: string } }

const resolve = async (context: Context, { path, body }: Resolution): Promise<number> => {
  const reply = await persist(context, { method: 'POST', path, body })
  if (reply.kind === 'none' || reply.answer.status !== 200) {
    context.say(reply.kind === 'none' ? reply.reason : refusalText(reply.answer, 'resolve exceptions', context.access))
    return 1
  }
  const { text } = reply.answer
  if (context.json) await context.print(text)
  else await context.print(detailsText(objectOf(text), context.paint))
  return 0
}

export const resolveCommand = defineCommand({
  form: '<id> --by <name> --note <text>',
  about: 'Says who did what about an exception, once and for good; it moves no order',
  flags: {
    reports: reportsFlag,
    by: { kind: 'text', value: 'name', about: 'who dealt with it; required' },
    note: { kind: 'text', value: 'text', about: 'what was done; required' },
  },
  notes: `The same words again are taken, other words are refused.
`,
  read(values, words, faults) {
    const read = fieldsInto(faults)
    read.nothingBehind(words, 1)
    const id = canonicalUuid(words[0] ?? '')
    if (id === null) faults.push(`the id of the exception ${uuidForm.rule}`)
    const body = { resolvedBy: read.required('--by', values.by), note: read.required('--note', values.note) }
    return (context) => resolve(context, { path: `${pathOf(values.reports)}/${id}/resolve`, body })
  },
})
