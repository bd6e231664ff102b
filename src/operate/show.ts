// Orders, their fills and their events as tables, and one order in full.

import { member, objectIn, objectsIn, valueText, type Members } from '../client/text.ts'
import type { Context } from './context.ts'
import { styleOf, type Paint } from './paint.ts'
import { tableLines, type Column } from './table.ts'

/** `2026-11-26T20:00:40.136Z` → `2026-11-26 20:00:40Z`. */
const toSecond = (instant: string): string => instant.replace(/^(\S{10})T(\d\d:\d\d:\d\d)\S*Z$/, '$1 $2Z')

const of =
  (name: string) =>
  (row: Members): string =>
    member(row, name)

const reasonOf = (row: Members): string => member(objectIn(row, 'reason') ?? {}, 'code')

const orderColumns: readonly Column<Members>[] = [
  { head: 'ORDER', cell: of('id') },
  { head: 'USER', leave: 5, cell: of('userId') },
  { head: 'SIDE', cell: of('side') },
  { head: 'QUANTITY', right: true, cell: of('quantity') },
  { head: 'TICKER', cell: of('ticker') },
  { head: 'PRICE', right: true, leave: 1, cell: of('price') },
  { head: 'STOP', right: true, leave: 2, cell: of('stopPrice') },
  { head: 'TYPE', leave: 7, cell: of('type') },
  { head: 'TIF', leave: 6, cell: of('timeInForce') },
  { head: 'FILLED', right: true, leave: 4, cell: of('filledQuantity') },
  { head: 'REMAINING', right: true, leave: 3, cell: of('remainingQuantity') },
  { head: 'STATUS', cell: of('status') },
  { head: 'REASON', leave: 8, cell: reasonOf },
  { head: 'CREATED', leave: 9, cell: (row) => toSecond(member(row, 'createdAt')) },
  { head: 'KEY', leave: 10, cell: of('clientOrderId') },
]

const fillColumns: readonly Column<Members>[] = [
  { head: 'TRADE', cell: of('tradeId') },
  { head: 'QUANTITY', right: true, cell: of('quantity') },
  { head: 'PRICE', right: true, cell: of('price') },
  { head: 'TRADED', leave: 1, cell: of('tradedAt') },
  { head: 'APPLIED', leave: 2, cell: of('appliedAt') },
  { head: 'LATE', leave: 3, cell: (row) => (row['late'] === true ? 'late' : '') },
]

/** The fill, the reason, or nothing. */
const whatHappened = (event: Members): string => {
  const fill = objectIn(event, 'fill')
  if (fill !== null) return `${member(fill, 'quantity')} at ${member(fill, 'price')}, trade ${member(fill, 'tradeId')}`
  const reason = objectIn(event, 'reason')
  if (reason === null) return ''
  const text = member(reason, 'text')
  return `${member(reason, 'code')}${text === '' ? '' : `: ${text}`}`
}

const causeOf = (event: Members): string => {
  const { kind, ...rest } = objectIn(event, 'cause') ?? {}
  return [valueText(kind), ...Object.entries(rest).map(([name, value]) => `${name}=${valueText(value)}`)].join(' ')
}

const eventColumns: readonly Column<Members>[] = [
  { head: 'VERSION', right: true, cell: of('version') },
  { head: 'AT', cell: of('at') },
  { head: 'KIND', cell: of('kind') },
  { head: 'STATUS', cell: of('status') },
  { head: 'FILLED', right: true, leave: 2, cell: of('filledQuantity') },
  { head: 'REMAINING', right: true, leave: 1, cell: of('remainingQuantity') },
  { head: 'WHAT', leave: 3, cell: whatHappened },
  { head: 'CAUSE', leave: 4, cell: causeOf },
]

type Screen = Pick<Context, 'width' | 'paint'>

export const ordersText = (orders: readonly Members[], screen: Screen): string =>
  tableLines(orderColumns, orders, screen).join('\n')
export const fillsText = (fills: readonly Members[], screen: Screen): string =>
  tableLines(fillColumns, fills, screen).join('\n')
export const eventsText = (events: readonly Members[], screen: Screen): string =>
  tableLines(eventColumns, events, screen).join('\n')

/** One member a line, those that say something. An object shows its members. */
export const detailsText = (object: Members, paint: Paint): string => {
  const rows = Object.entries(object).flatMap(([name, value]): [string, string][] => {
    const inner = objectIn(object, name)
    const text =
      inner === null
        ? valueText(value)
        : Object.values(inner)
            .map(valueText)
            .filter((part) => part !== '')
            .join(': ')
    return text === '' ? [] : [[name, text]]
  })
  const width = Math.max(0, ...rows.map(([name]) => name.length)) + 2
  return rows.map(([name, text]) => `${name.padEnd(width)}${paint(styleOf(text), text)}`).join('\n')
}

/** The rows of a page, and where the next one begins; null: nowhere. */
export const pageOf = (answer: Members, name: string): { rows: Members[]; next: string | null } => {
  const next = member(answer, 'nextCursor')
  return { rows: objectsIn(answer, name), next: next === '' ? null : next }
}
