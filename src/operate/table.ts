// Tables for people. Where the terminal is too narrow, columns are left out; no value is ever shortened, for ids are copied from here.

import { styleOf, type Paint } from './paint.ts'

/** `leave`: where the terminal is too narrow, columns with higher figures are left out first; without one it stays. */
export type Column<T> = { head: string; right?: true; leave?: number; cell: (row: T) => string }

const gap = '  '

type Laid = { head: string; right: boolean; leave: number; cells: string[]; width: number }

const layOut = <T>(columns: readonly Column<T>[], rows: readonly T[]): Laid[] =>
  columns
    .map(({ head, right = false, leave = 0, cell }) => ({ head, right, leave, cells: rows.map(cell) }))
    // A column in which nothing stands tells nothing.
    .filter(({ cells, leave }) => leave === 0 || cells.some((text) => text !== ''))
    .map((column) => ({ ...column, width: Math.max(column.head.length, ...column.cells.map(({ length }) => length)) }))

const total = (columns: readonly Laid[]): number =>
  columns.reduce((sum, { width }) => sum + width, 0) + gap.length * (columns.length - 1)

const fit = (columns: readonly Laid[], width: number): readonly Laid[] => {
  if (total(columns) <= width) return columns
  const first = Math.max(...columns.map(({ leave }) => leave))
  return first === 0
    ? columns
    : fit(
        columns.filter(({ leave }) => leave !== first),
        width,
      )
}

const pad = (text: string, { width, right }: Laid): string => (right ? text.padStart(width) : text.padEnd(width))

/** The lines of a table with a head. `width`: columns of the terminal; null: any. */
export const tableLines = <T>(
  columns: readonly Column<T>[],
  rows: readonly T[],
  { width, paint }: { width: number | null; paint: Paint },
): string[] => {
  const shown = fit(layOut(columns, rows), width ?? Infinity)
  const last = shown.at(-1)
  /** Nothing stands behind the last column, so nothing fills it up. */
  const fill = (text: string, column: Laid): string => (column === last && !column.right ? text : pad(text, column))
  const head = shown.map((column) => paint('head', fill(column.head, column))).join(gap)
  const lines = rows.map((_, i) =>
    shown.map((column) => paint(styleOf(column.cells[i]!), fill(column.cells[i]!, column))).join(gap),
  )
  return [head, ...lines].map((line) => line.trimEnd())
}
