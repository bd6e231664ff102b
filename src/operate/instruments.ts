// `orders instruments`: the listed tickers, their limits and whether they trade; and what was changed of that, by whom and why.

import { member, objectIn, objectsIn, type Members } from '../client/text.ts'
import { toExactJson } from '../wire/json.ts'
import type { Context } from './context.ts'
import { fieldsInto } from './fields.ts'
import { defineCommand } from './grammar.ts'
import { limitColumns, limitsIn, limitsText } from './limits.ts'
import { styleOf } from './paint.ts'
import { changeText, tickerOf } from './ruleChange.ts'
import { authorOf, getChanges, getInstruments, getTrading } from './rulesReads.ts'
import { tableLines, type Column } from './table.ts'

/** An instrument, or a halted ticker that is not listed; `halt`: its own halt. */
type Row = { instrument: Members; halt: Members | undefined }

const sinceOf = (trading: Members): string => {
  const [since, author] = [member(trading, 'since'), authorOf(trading)]
  return `${since === '' ? '' : `since ${since}`}${author === '' ? '' : ` by ${author}`}`.trim()
}

const columns: readonly Column<Row>[] = [
  { head: 'TICKER', cell: ({ instrument }) => member(instrument, 'ticker') },
  { head: 'STATE', cell: ({ instrument }) => member(instrument, 'state') },
  ...limitColumns.map(({ cell, ...column }) => ({ ...column, cell: ({ instrument }: Row) => cell(instrument) })),
  { head: 'HALTED', leave: 1, cell: ({ halt }) => (halt === undefined ? '' : sinceOf(halt)) },
  { head: 'LIMITS BY', leave: 12, cell: ({ instrument, halt }) => (instrument === halt ? '' : authorOf(instrument)) },
]

/** Of the answer about all tickers those that are halted by themselves, of the answer about one ticker that one. */
const haltsIn = (trading: Members): Members[] =>
  member(trading, 'ticker') === '' ? objectsIn(trading, 'halted') : [trading]

const rowsOf = (instruments: readonly Members[], trading: Members): Row[] => {
  const halts = new Map(haltsIn(trading).map((halt) => [member(halt, 'ticker'), halt]))
  const listed = instruments.map((instrument): Row => {
    const halt = halts.get(member(instrument, 'ticker'))
    halts.delete(member(instrument, 'ticker'))
    return { instrument, halt: halt?.['state'] === 'HALTED' ? halt : undefined }
  })
  return [...listed, ...[...halts.values()].map((halt) => ({ instrument: halt, halt }))]
}

/** The state of all tickers in a line, and the limits where a ticker has none of its own. */
const allLines = (trading: Members, { paint }: Context): string[] => {
  const all = objectIn(trading, 'all') ?? trading
  const [state, since] = [member(all, 'state'), sinceOf(all)]
  const limits = objectIn(trading, 'limits')
  const count = Number(member(trading, 'haltedCount')) - objectsIn(trading, 'halted').length
  return [
    `all trading: ${paint(styleOf(state), state)}${since === '' ? '' : ` ${since}`}`,
    ...(limits === null ? [] : [`limits where a ticker has none: ${limitsText(limitsIn(limits))}`]),
    ...(count > 0 ? [`${count} more tickers are halted than are shown`] : []),
  ]
}

const show = async (context: Context, ticker: string | undefined): Promise<number> => {
  const instruments = await getInstruments(context, ticker)
  const trading = instruments.ok ? await getTrading(context, ticker) : instruments
  if (!instruments.ok || !trading.ok) {
    if (!trading.ok) context.say(trading.reason)
    return 1
  }
  const { object } = trading.value
  if (context.json) {
    await context.print(toExactJson({ trading: object, instruments: instruments.value }))
    return 0
  }
  if (ticker !== undefined && instruments.value.length === 0)
    context.say(`${ticker} is not listed (without a ticker, all that are listed are shown)`)
  const rows = rowsOf(instruments.value, object)
  const table = rows.length === 0 ? ['no instruments'] : tableLines(columns, rows, context)
  await context.print([...allLines(object, context), ...table].join('\n'))
  return 0
}

export const instrumentsCommand = defineCommand({
  form: '[<ticker>] | set | defaults | delist | changes',
  about: 'Shows the listed tickers, their limits and whether they trade',
  flags: {},
  notes: `orders instruments set, defaults, delist and changes have a --help of their own. With --json { "trading", "instruments" }.
`,
  read(_, words, faults) {
    const read = fieldsInto(faults)
    read.nothingBehind(words, 1)
    const ticker = read.ticker('the ticker', words[0])
    return (context) => show(context, ticker)
  },
})

const limitDefault = 20
const limitMax = 10_000

const changeColumns: readonly Column<Members>[] = [
  { head: 'EPOCH', right: true, leave: 5, cell: (row) => member(row, 'epoch') },
  { head: 'AT', cell: (row) => member(row, 'at') },
  { head: 'WHAT', cell: (row) => member(row, 'what') },
  { head: 'TICKER', cell: tickerOf },
  { head: 'BY', leave: 2, cell: (row) => member(row, 'by') },
  { head: 'SUBJECT', leave: 4, cell: (row) => member(row, 'subject') },
  { head: 'NOTE', leave: 3, cell: (row) => member(row, 'note') },
  { head: 'CHANGE', leave: 1, cell: changeText },
]

const changes = async (context: Context, limit: number, cursor: string | undefined): Promise<number> => {
  const got = await getChanges(context, limit, cursor)
  if (!got.ok) {
    context.say(got.reason)
    return 1
  }
  const { rows, next } = got.value
  if (rows.length === 0) context.say('no changes')
  else if (context.json) await context.print(rows.map(toExactJson).join('\n'))
  else await context.print(tableLines(changeColumns, rows, context).join('\n'))
  if (next !== null) context.say(`there are more: --limit, or --cursor ${next}`)
  return 0
}

export const changesCommand = defineCommand({
  form: '',
  about: 'Shows every change of the rules, newest first: who, when, why, before and after',
  flags: {
    limit: { kind: 'text', value: 'n', about: `so many at most, default ${limitDefault}, up to ${limitMax}` },
    cursor: { kind: 'text', value: 'cursor', about: 'goes on where a list stopped' },
  },
  notes: `With --json a change a line.
`,
  read(values, words, faults) {
    const read = fieldsInto(faults)
    read.nothingBehind(words, 0)
    const limit = read.whole('--limit', values.limit, 1, limitMax) ?? limitDefault
    return (context) => changes(context, limit, values.cursor)
  },
})
