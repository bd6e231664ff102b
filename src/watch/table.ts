// The table as lines of text for a terminal of a given size. Pure: what is on the screen follows from the rows.

import { member, withoutControls, type Members } from '../client/text.ts'
import { parseExactJson } from '../wire/json.ts'
import type { Row } from './board.ts'

type Size = { columns: number; rows: number }
/** `footer`: the counts and the state of the connection. */
export type Frame = { rows: Iterable<Row>; footer: string; size: Size; nowMs: number }

/** Cells that changed stand out for so long. */
export const standOutMs = 3_000

const bold = '\u001b[1;33m'
const inverse = '\u001b[7m'
const plain = '\u001b[0m'
const gap = '  '

/** `10:04:05.678` of an ISO time. */
const clockOf = (time: string): string => /T(\d\d:\d\d:\d\d(?:\.\d{1,3})?)/.exec(time)?.[1] ?? time

type Column = { head: string; right?: true; cell: (order: Members, row: Row) => string }

const columns = {
  id: { head: 'ORDER', cell: (order) => member(order, 'id') },
  user: { head: 'USER', cell: (order) => member(order, 'userId') },
  ticker: { head: 'TICKER', cell: (order) => member(order, 'ticker') },
  side: { head: 'SIDE', cell: (order) => member(order, 'side') },
  type: { head: 'TYPE', cell: (order) => member(order, 'type') },
  quantity: { head: 'QUANTITY', right: true, cell: (order) => member(order, 'quantity') },
  filled: { head: 'FILLED', right: true, cell: (order) => member(order, 'filledQuantity') },
  remaining: { head: 'REMAINING', right: true, cell: (order) => member(order, 'remainingQuantity') },
  price: { head: 'PRICE', right: true, cell: (order) => member(order, 'price') },
  status: { head: 'STATUS', cell: (order, { kind }) => (kind === 'ENDED' ? 'ENDED' : member(order, 'status')) },
  change: {
    head: 'LAST CHANGE',
    cell: (order, { kind }) => `${clockOf(member(order, 'updatedAt'))} ${kind ?? ''}`.trimEnd(),
  },
} as const satisfies Record<string, Column>
type ColumnName = keyof typeof columns

/** What makes the table narrower, one step after the other, until it fits. */
const narrowings = [
  { shorten: 'user', cut: (text: string) => text.slice(0, 8) },
  // The end of an id is what tells one from another: those of one moment begin alike.
  { shorten: 'id', cut: (text: string) => (text.length > 12 ? text.slice(-12) : text) },
  { leaveOut: 'type' },
  { leaveOut: 'user' },
  { leaveOut: 'remaining' },
  { leaveOut: 'change' },
  { leaveOut: 'price' },
  { leaveOut: 'side' },
  { leaveOut: 'quantity' },
] as const satisfies readonly ({ shorten: ColumnName; cut: (text: string) => string } | { leaveOut: ColumnName })[]

type Cell = { text: string; changed: boolean }
type Line = Record<ColumnName, Cell>

const orderOf = (text: string): Members => (parseExactJson(text) as { order: Members }).order

const lineOf = (row: Row, nowMs: number): Line => {
  const order = orderOf(row.text)
  const isFresh = row.kind !== null && nowMs - row.atMs < standOutMs
  const before = isFresh && row.before !== null ? orderOf(row.before) : null
  const cells = (Object.keys(columns) as ColumnName[]).map((name): [ColumnName, Cell] => {
    const { cell }: Column = columns[name]
    const text = withoutControls(cell(order, row))
    const changed = isFresh && (before === null || withoutControls(cell(before, row)) !== text)
    return [name, { text, changed }]
  })
  return Object.fromEntries(cells) as Line
}

const widthsOf = (names: readonly ColumnName[], lines: readonly Line[]): number[] =>
  names.map((name) => Math.max(columns[name].head.length, ...lines.map((line) => line[name].text.length)))

const total = (widths: readonly number[]): number =>
  widths.reduce((sum, width) => sum + width, 0) + gap.length * (widths.length - 1)

/** The columns that fit, their widths, and the lines with their texts shortened. */
const fit = (
  all: readonly Line[],
  width: number,
): { names: ColumnName[]; widths: number[]; lines: readonly Line[] } => {
  let names = Object.keys(columns) as ColumnName[]
  let lines = all
  for (const step of [null, ...narrowings]) {
    if (step !== null && 'leaveOut' in step) names = names.filter((name) => name !== step.leaveOut)
    else if (step !== null) {
      const { shorten, cut } = step
      lines = lines.map((line) => ({ ...line, [shorten]: { ...line[shorten], text: cut(line[shorten].text) } }))
    }
    const widths = widthsOf(names, lines)
    if (total(widths) <= width) return { names, widths, lines }
  }
  return { names, widths: widthsOf(names, lines), lines }
}

const pad = (text: string, width: number, right: boolean): string => (right ? text.padStart(width) : text.padEnd(width))

/** Joins the cells, cut where the terminal ends. */
const joinCells = (cells: readonly { text: string; style: string }[], width: number): string => {
  let left = width
  let line = ''
  for (const [i, { text, style }] of cells.entries()) {
    const part = (i === 0 ? '' : gap) + text
    const cut = part.slice(0, Math.max(0, left))
    left -= part.length
    line += style === '' || cut.trim() === '' ? cut : `${style}${cut}${plain}`
  }
  return line
}

const take = <T>(all: Iterable<T>, count: number): T[] => {
  const some: T[] = []
  if (count <= 0) return some
  for (const one of all) if (some.push(one) >= count) break
  return some
}

/** As many lines as fit: a head, an order each, and the footer at the bottom. No line is wider than the terminal. */
export const tableLines = ({ rows, footer, size, nowMs }: Frame): string[] => {
  const room = size.rows - 2
  const { names, widths, lines } = fit(
    take(rows, room).map((row) => lineOf(row, nowMs)),
    size.columns,
  )
  const isRight = (name: ColumnName): boolean => 'right' in columns[name]
  const head = names.map((name, i) => ({ text: pad(columns[name].head, widths[i]!, isRight(name)), style: inverse }))
  const body = lines.map((line) =>
    names.map((name, i) => ({
      text: pad(line[name].text, widths[i]!, isRight(name)),
      style: line[name].changed ? bold : '',
    })),
  )
  const blank = Array.from({ length: Math.max(0, room - body.length) }, () => '')
  const all = [...[head, ...body].map((cells) => joinCells(cells, size.columns)), ...blank]
  return [...all.slice(0, Math.max(0, size.rows - 1)), withoutControls(footer).slice(0, size.columns)]
}
