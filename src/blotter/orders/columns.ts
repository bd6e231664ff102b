// The columns of the orders table.

import { filledShare, type Order } from '../model/order.ts'
import type { SortColumn } from '../model/sort.ts'
import { shortTime } from '../ui/times.ts'

/**
 * `amount`: set from the right, its points below each other. `share`: from 0 to 1, drawn as a bar behind the text. `wide`: the least width of
 * the table, in px, at which it is shown.
 */
export type Column = {
  readonly id: SortColumn | 'timeInForce' | 'clientOrderId'
  readonly title: string
  readonly sorts: boolean
  readonly wide: number
  /** Its width, in px. Room that is left goes to those that may be wider. */
  readonly least: number
  readonly most?: number
  readonly amount?: true
  /** It is to the right of the first view: who wants it scrolls. */
  readonly beyond?: true
  readonly text: (order: Order) => string
  readonly share?: (order: Order) => number
}

export const statusWords: Readonly<Record<Order['status'], string>> = {
  NEW: 'New',
  PARTIALLY_FILLED: 'Partial',
  FILLED: 'Filled',
  CANCELED: 'Canceled',
  REJECTED: 'Rejected',
  EXPIRED: 'Expired',
}

export const typeWords: Readonly<Record<Order['type'], string>> = {
  LIMIT: 'Limit',
  MARKET: 'Market',
  STOP: 'Stop',
  STOP_LIMIT: 'Stop limit',
}

/** A stop that waits shows the price that it waits for. */
const priceOf = ({ price, stopPrice }: Order): string => price ?? stopPrice ?? ''

const columns: readonly Column[] = [
  {
    id: 'createdAt',
    title: 'Time',
    sorts: true,
    wide: 560,
    least: 124,
    text: ({ createdAt }) => shortTime(createdAt),
  },
  { id: 'ticker', title: 'Ticker', sorts: true, wide: 0, least: 60, most: 132, text: ({ ticker }) => ticker },
  {
    id: 'side',
    title: 'Side',
    sorts: true,
    wide: 0,
    least: 44,
    text: ({ side }) => (side === 'BUY' ? 'Buy' : 'Sell'),
  },
  { id: 'type', title: 'Type', sorts: true, wide: 760, least: 84, text: ({ type }) => typeWords[type] },
  {
    id: 'timeInForce',
    title: 'In force',
    sorts: false,
    wide: 980,
    least: 64,
    text: ({ timeInForce }) => timeInForce,
  },
  {
    id: 'quantity',
    title: 'Quantity',
    sorts: true,
    wide: 0,
    least: 76,
    most: 150,
    amount: true,
    text: ({ quantity }) => quantity,
  },
  { id: 'price', title: 'Price', sorts: true, wide: 0, least: 68, most: 150, amount: true, text: priceOf },
  {
    id: 'filledQuantity',
    title: 'Filled',
    sorts: true,
    wide: 0,
    least: 96,
    most: 170,
    amount: true,
    text: ({ filledQuantity }) => filledQuantity,
    share: filledShare,
  },
  {
    id: 'averageFillPrice',
    title: 'Average',
    sorts: true,
    wide: 860,
    least: 76,
    most: 150,
    amount: true,
    text: ({ averageFillPrice }) => averageFillPrice ?? '',
  },
  { id: 'status', title: 'Status', sorts: true, wide: 0, least: 82, text: ({ status }) => statusWords[status] },
  { id: 'userId', title: 'User', sorts: true, wide: 680, least: 84, most: 290, text: ({ userId }) => userId },
  {
    id: 'clientOrderId',
    title: 'Key',
    sorts: false,
    wide: 1080,
    least: 96,
    most: Infinity,
    text: ({ clientOrderId }) => clientOrderId ?? '',
  },
]

const columnOf = (id: Column['id']): Column => columns.find((column) => column.id === id)!

const smallScreen = 480

/** On a phone: what is asked first stands first and fills the view, and no amount is cut at its edge. */
const columnsOfPhone: readonly Column[] = [
  ...(['ticker', 'side', 'status'] as const).map(columnOf),
  { ...columnOf('filledQuantity'), most: Infinity },
  ...(['quantity', 'price'] as const)
    .map(columnOf)
    .map((column) => ({ ...column, most: column.least, beyond: true as const })),
]

/** The columns that a table of this width, in px, has room for. */
export const columnsFor = (width: number): readonly Column[] =>
  width < smallScreen ? columnsOfPhone : columns.filter(({ wide }) => width >= wide)

/** Of a digit of an amount, and of what is beside the text of a cell, in px. */
const [digitWidth, besideText] = [7.25, 12]

/** How wide a column has to be, in px, for its longest amount of so many digits: an amount is never cut. */
export const leastWidth = ({ least }: Column, digits: number): number =>
  Math.max(least, Math.ceil(digits * digitWidth) + besideText)

/** The tracks of a CSS grid. `widths`: the least of each column, in px. */
export const tracksOf = (columns: readonly Column[], widths: readonly number[]): string =>
  columns
    .map(({ most }, i) => {
      if (most === undefined) return `${widths[i]}px`
      return `minmax(${widths[i]}px, ${most === Infinity ? '1fr' : `${Math.max(most, widths[i]!)}px`})`
    })
    .join(' ')

/** Whether there is room in such a table for points below each other. */
export const hasRoomToAlign = (width: number): boolean => width >= 680

const digitsAfterPoint = (text: string): number => {
  const point = text.indexOf('.')
  return point === -1 ? 0 : text.length - point - 1
}

/** The most digits after the point among these texts. */
export const fractionOf = (texts: Iterable<string>): number => {
  let most = 0
  for (const text of texts) most = Math.max(most, digitsAfterPoint(text))
  return most
}

// As wide as a digit where all signs are of one width.
const space = '\u00a0'

/** The text, with room on its right so that the points of a column stand below each other. Nothing is rounded and no zero added. */
export const aligned = (text: string, fraction: number): string => {
  const digits = digitsAfterPoint(text)
  if (text === '' || digits >= fraction) return text
  return text + space.repeat(fraction - digits + (digits === 0 ? 1 : 0))
}
