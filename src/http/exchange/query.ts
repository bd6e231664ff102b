// The parameters of a query. Each is one row: its schema for the published document, the reader of its text, and the text of its fault.
// `defineQuery` makes the schema of the whole query and its reader from the same rows.

import { Type, type TObject, type TOptional, type TSchema } from '@sinclair/typebox'
import { canonicalUuid } from '../../domain/ids.ts'
import { canonicalTicker, tickerForm, uuidForm } from '../../domain/patterns.ts'
import { oneOf } from '../../wire/shapes.ts'
import { decodeCursor, type CursorList } from './cursor.ts'
import { shownName, type Decoded, type UnknownFields } from './decode.ts'
import { invalid, type Fault, type Problem } from './problem.ts'

type Row<S extends TSchema, T> = {
  schema: S
  /** Undefined if the text is not a value of this parameter. */
  read: (text: string) => T | undefined
  /** The fault of a wrong text; it completes "<parameter> …". A function makes it from that text. */
  rule: string | ((text: string) => string)
}
/** A parameter that has to be given. */
type RequiredRow<S extends TSchema, T> = Row<S, T> & { required: true }
/** A parameter that may be repeated. Its value is the list of the values that were read. */
type RepeatedRow<S extends TSchema, T> = Row<S, T> & { repeated: true }

type Rows = Readonly<Record<string, Row<TSchema, unknown> & { repeated?: true; required?: true }>>
type ValueOf<R> =
  R extends RequiredRow<TSchema, infer T>
    ? T
    : R extends RepeatedRow<TSchema, infer T>
      ? T[]
      : R extends Row<TSchema, infer T>
        ? T | undefined
        : never
type ValuesOf<R extends Rows> = { [N in keyof R]: ValueOf<R[N]> }

/** A query with these rows. `schema`: its schema in the published document. `read`: decodes its values. */
export type Query<R extends Rows> = {
  schema: TObject<{ [N in keyof R]: R[N] extends { required: true } ? R[N]['schema'] : TOptional<R[N]['schema']> }>
  read: (search: URLSearchParams, unknownFields: UnknownFields) => Decoded<ValuesOf<R>>
}

const readRow = (
  name: string,
  { read, rule, repeated, required }: Rows[string],
  texts: string[],
  faults: Fault[],
): unknown => {
  const pointer = `?${name}`
  if (repeated !== true && texts.length > 1) {
    faults.push({ pointer, detail: 'is given more than once' })
    return undefined
  }
  if (required === true && texts.length === 0) faults.push({ pointer, detail: 'is required' })
  const values = texts.map(read)
  for (const [i, value] of values.entries())
    if (value === undefined) faults.push({ pointer, detail: typeof rule === 'string' ? rule : rule(texts[i]!) })
  return repeated === true ? values : values[0]
}

export const defineQuery = <const R extends Rows>(rows: R): Query<R> => {
  const names = Object.keys(rows)
  const shapes = Object.fromEntries(
    names.map((name) => [name, rows[name]!.required === true ? rows[name]!.schema : Type.Optional(rows[name]!.schema)]),
  )
  return {
    schema: Type.Object(shapes, { additionalProperties: false }) as unknown as Query<R>['schema'],
    read(search, unknownFields) {
      const faults: Fault[] = []
      if (unknownFields === 'refuse')
        for (const name of new Set(search.keys()))
          if (!names.includes(name))
            faults.push({
              pointer: `?${shownName(name)}`,
              detail: `is not a parameter here; known are ${names.join(', ')}`,
            })
      const values = names.map((name) => [name, readRow(name, rows[name]!, search.getAll(name), faults)])
      return faults.length > 0 ? { ok: false, faults } : { ok: true, value: Object.fromEntries(values) as ValuesOf<R> }
    },
  }
}

export const uuid = {
  schema: Type.String({ format: 'uuid', pattern: uuidForm.sent }),
  read: (text: string) => canonicalUuid(text) ?? undefined,
  rule: uuidForm.rule,
}

/** A bare `+` in a query means a space, and no ticker has one. So the fault of a ticker with a space says how to write `+`. */
export const ticker = {
  schema: Type.String({
    pattern: tickerForm.sent,
    description: 'In a query `+` is written `%2B`, `&` `%26`, `#` `%23`.',
  }),
  read: (text: string) => canonicalTicker(text) ?? undefined,
  rule: (text: string) =>
    text.includes(' ') ? `has a space: write + as %2B in a query; a ticker ${tickerForm.rule}` : tickerForm.rule,
}

/** A parameter with a fixed list of values. */
export const choice = <const T extends readonly string[]>(values: T) => ({
  schema: oneOf(values),
  read: (text: string) => values.find((value) => value === text) as T[number] | undefined,
  rule: `must be one of ${values.join(', ')}`,
})

export const limitDefault = 50
const limitMax = 500

/** The two parameters of every list. `read`: reads the position from a cursor's text; undefined if the list has no such position. */
export const pageRows = <T>(list: CursorList, read: (position: string) => T | undefined) => ({
  limit: {
    schema: Type.Integer({ minimum: 1, maximum: limitMax, default: limitDefault, description: 'Items a page.' }),
    read: (text: string) => (/^[1-9]\d{0,2}$/.test(text) && Number(text) <= limitMax ? Number(text) : undefined),
    rule: `must be a whole number from 1 to ${limitMax}`,
  },
  cursor: {
    schema: Type.String({ minLength: 1, description: 'A `nextCursor` of this list, unchanged.' }),
    read(text: string): T | undefined {
      const position = decodeCursor(list, text)
      return position === undefined ? undefined : read(position)
    },
    rule: 'must be a nextCursor of this list, unchanged',
  },
})

/** The problem of a query on a route that takes none; null: there is none. */
export const refuseQuery = (search: URLSearchParams): Problem | null => {
  const faults = [...new Set(search.keys())].map((name) => ({
    pointer: `?${shownName(name)}`,
    detail: 'is not a parameter here: there are none',
  }))
  return faults.length === 0 ? null : invalid('Invalid query', faults)
}

/** The parameters of a path that names one item. */
export const ById = Type.Object({ id: uuid.schema }, { additionalProperties: false })

/** The id in such a path, in lower case, or the problem to answer with. `item`: the kind of item that the id names. */
export const readId = (params: Readonly<Record<string, string>>, item: 'order' | 'exception'): string | Problem =>
  canonicalUuid(params['id']!) ??
  invalid('Invalid id', [{ pointer: '', detail: `the ${item} id in the path must be a UUID` }])
