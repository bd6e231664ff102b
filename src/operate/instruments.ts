// `orders instruments`: the listed tickers, their limits and whether they trade; and what was changed of that, by whom and why.

import { member, objectIn, objectsIn, type Members } from '../client/text.ts'
import { toExactJson } from '../wire/json.ts'
import type { Context } from './context.ts'
import { fieldsInto } from './fields.ts'
import { defineCommand } from './grammar.ts'
import { differenceText, limitColumns, limitsIn, noLimits } from './limits.ts'
import { styleOf } from './paint.ts'
import { authorOf, getChanges, getInstruments, getTrading } from './rulesReads.ts'
import { tableLines, type Column } from './table.ts'

const columns: readonly Column<Members>[] = [
  { head: 'TICKER', cell: (row) => member(row, 'ticker') },
  { head: 'STATE', cell: (row) => member(row, 'state') },
  ...limitColumns,
  { head: 'SET BY', leave: 12, cell: authorOf },
]

/** The instruments with the state of each; tickers that are halted and not listed too. */
const withStates = (instruments: readonly Members[], trading: Members): Members[] => {
  const states = new Map(objectsIn(trading, 'tickers').map((row) => [member(row, 'ticker'), row]))
  const own = member(trading, 'ticker')
  if (own !== '') states.set(own, trading)
  const listed = new Set(instruments.map((row) => member(row, 'ticker')))
  const others = [...states.values()].filter((row) => !listed.has(member(row, 'ticker')))
  return [
    ...instruments.map((row) => ({ state: states.get(member(row, 'ticker'))?.['state'] ?? 'ACTIVE', ...row })),
    ...others,
  ]
}

/** The state of all tickers in a line, and the limits of those without any of their own. */
const tradingLines = (trading: Members, { paint }: Context): string[] => {
  const state = member(trading, 'state')
  const author = authorOf(trading)
  const limits = differenceText(noLimits, limitsIn(objectIn(trading, 'limits') ?? {})).replaceAll('none → ', '')
  const since = member(trading, 'since')
  return [
    `trading: ${paint(styleOf(state), state)}${since === '' ? '' : ` since ${since}`}${author === '' ? '' : ` (${author})`}`,
    `limits of tickers without their own: ${limits === '' ? 'none' : limits}`,
  ]
}

const show = async (context: Context, ticker: string | undefined): Promise<number> => {
  const instruments = await getInstruments(context, ticker)
  const trading = instruments.ok ? await getTrading(context, ticker) : instruments
  if (!instruments.ok || !trading.ok) {
    if (!trading.ok) context.say(trading.reason)
    return 1
  }
  if (context.json) {
    await context.print(toExactJson({ trading: trading.value.object, instruments: instruments.value }))
    return 0
  }
  const rows = withStates(instruments.value, trading.value.object)
  const all = ticker === undefined ? tradingLines(trading.value.object, context) : []
  await context.print(
    [...all, ...(rows.length === 0 ? ['no instruments'] : tableLines(columns, rows, context))].join('\n'),
  )
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
  { head: 'TICKER', cell: (row) => member(row, 'ticker') || 'all' },
  { head: 'BY', leave: 2, cell: (row) => member(row, 'by') },
  { head: 'SUBJECT', leave: 4, cell: (row) => member(row, 'subject') },
  { head: 'NOTE', leave: 3, cell: (row) => member(row, 'note') },
  {
    head: 'CHANGE',
    leave: 1,
    cell: (row) => differenceText(objectIn(row, 'before') ?? {}, objectIn(row, 'after') ?? {}),
  },
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
