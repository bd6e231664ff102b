// Rows as an aligned table, the way psql prints them: numbers to the right, NULL empty, the count below. Pure.

export type Column = {
  name: string
  /** The type's oid. */
  type: number
}

export type Cell = string | null

/** int8, int2, int4, oid, float4, float8, numeric. */
const numberTypes = new Set([20, 21, 23, 26, 700, 701, 1700])

const width = (text: string): number => Bun.stringWidth(text)

const blanks = (count: number): string => ' '.repeat(Math.max(0, count))

const align = (cell: string, column: Column | undefined, size: number): string => {
  const space = blanks(size - width(cell))
  return column && numberTypes.has(column.type) ? `${space}${cell}` : `${cell}${space}`
}

const centre = (text: string, size: number): string => {
  const space = size - width(text)
  return `${blanks(Math.floor(space / 2))}${text}${blanks(Math.ceil(space / 2))}`
}

export const formatTable = (columns: Column[], rows: Cell[][]): string => {
  const cells = rows.map((row) => row.map((cell) => (cell ?? '').replaceAll('\n', String.raw`\n`)))
  const widths = columns.map(({ name }, i) => Math.max(...[name, ...cells.map((row) => row[i] ?? '')].map(width)))
  const head = columns.map(({ name }, i) => centre(name, widths[i] ?? 0))
  const rule = widths.map((each) => '-'.repeat(each + 2)).join('+')
  const lines = cells.map((row) => row.map((cell, i) => align(cell, columns[i], widths[i] ?? 0)))
  const body = [head, ...lines].map((line) => ` ${line.join(' | ')}`.trimEnd())
  return [body[0], rule, ...body.slice(1), `(${rows.length} ${rows.length === 1 ? 'row' : 'rows'})`].join('\n')
}
