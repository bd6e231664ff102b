// `orders list`: orders by filters, newest first.

import { statuses } from '../domain/order.ts'
import { orderTypes, sides, timesInForce } from '../domain/terms.ts'
import { toExactJson } from '../wire/json.ts'
import type { Query } from './call.ts'
import type { Context } from './context.ts'
import { fieldsInto } from './fields.ts'
import { defineCommand, type Flags, type Values } from './grammar.ts'
import { getRows } from './read.ts'
import { ordersText } from './show.ts'

const limitDefault = 50
const limitMax = 10_000
const triggeredWords = ['true', 'false'] as const
const statusWords = ['open', 'closed', ...statuses] as const

const listFlags = {
  user: { kind: 'text', value: 'uuid', about: 'of this user' },
  ticker: { kind: 'text', value: 'ticker', about: 'of this ticker' },
  side: { kind: 'text', value: 'side', about: 'BUY or SELL', words: sides },
  status: {
    kind: 'list',
    value: 'status',
    about: 'a status, open or closed; may be given several times',
    words: statusWords,
  },
  type: { kind: 'text', value: 'type', about: orderTypes.join(', '), words: orderTypes },
  tif: { kind: 'text', value: 'time', about: timesInForce.join(', '), words: timesInForce },
  triggered: { kind: 'text', value: 'true|false', about: 'stops whose price was met, or not', words: triggeredWords },
  key: { kind: 'text', value: 'key', about: 'with this key' },
  'created-after': { kind: 'text', value: 'instant', about: 'accepted then or later' },
  'created-before': { kind: 'text', value: 'instant', about: 'accepted before' },
  'expires-before': { kind: 'text', value: 'instant', about: 'that the clock ends before' },
  limit: { kind: 'text', value: 'n', about: `so many at most, default ${limitDefault}, up to ${limitMax}` },
  cursor: { kind: 'text', value: 'cursor', about: 'goes on where a list stopped' },
} as const satisfies Flags

type Read = ReturnType<typeof fieldsInto>

const queryOf = (values: Values<typeof listFlags>, read: Read): Query => ({
  userId: read.uuid('--user', values.user),
  ticker: read.ticker('--ticker', values.ticker),
  side: read.choice('--side', values.side, sides),
  status: values.status.flatMap((text) => read.choice('--status', text, statusWords) ?? []),
  type: read.choice('--type', values.type, orderTypes),
  timeInForce: read.choice('--tif', values.tif, timesInForce),
  triggered: read.choice('--triggered', values.triggered, triggeredWords),
  clientOrderId: read.key('--key', values.key),
  createdAfter: read.instant('--created-after', values['created-after']),
  createdBefore: read.instant('--created-before', values['created-before']),
  expiresBefore: read.instant('--expires-before', values['expires-before']),
})

type Asked = { query: Query; limit: number; cursor: string | undefined }

const list = async (context: Context, { query, limit, cursor }: Asked): Promise<number> => {
  const got = await getRows(context, {
    path: 'orders',
    query,
    what: 'list these orders',
    rows: 'orders',
    limit,
    cursor,
  })
  if (!got.ok) {
    context.say(got.reason)
    return 1
  }
  const { rows, next } = got.value
  if (context.json) {
    if (rows.length > 0) await context.print(rows.map(toExactJson).join('\n'))
  } else if (rows.length === 0) context.say('no orders')
  else await context.print(ordersText(rows, context))
  if (next !== null) context.say(`there may be more: --limit, or --cursor ${next}`)
  return 0
}

export const listCommand = defineCommand({
  form: '',
  about: 'Lists orders, newest first: orders list --ticker AAPL --status open',
  flags: listFlags,
  notes: `With --json an order a line.
`,
  read(values, words, faults) {
    const read = fieldsInto(faults)
    read.nothingBehind(words, 0)
    const query = queryOf(values, read)
    const limit = read.whole('--limit', values.limit, 1, limitMax) ?? limitDefault
    return (context) => list(context, { query, limit, cursor: values.cursor })
  },
})
