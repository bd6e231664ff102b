// The limits of a ticker: their flags, how they stand in a request, and what changes between two states of them.

import { member, objectIn, type Members } from '../client/text.ts'
import type { fieldsInto } from './fields.ts'
import type { Flag } from './grammar.ts'
import type { Column } from './table.ts'

/** The member, its flag, the head of its column, and what it does. */
const rows = [
  ['tickSize', 'tick', 'TICK', 'prices are multiples of it'],
  ['lotSize', 'lot', 'LOT', 'quantities are multiples of it'],
  ['quantityMin', 'min', 'MIN', 'the least quantity'],
  ['quantityMax', 'max', 'MAX', 'the greatest quantity'],
  ['notionalMax', 'notional-max', 'NOTIONAL MAX', 'the greatest quantity × price'],
  ['referencePrice', 'reference', 'REFERENCE', 'the price that the band lies around'],
  ['priceBandPercent', 'band-percent', 'BAND %', 'how far a price may lie from the reference, in percent'],
] as const
type Row = (typeof rows)[number]
type LimitName = Row[0]
export type LimitFlag = Row[1]

/** Exact text; null: there is no such limit. */
export type Limits = Readonly<Record<LimitName, string | null>>
/** What was asked for; a limit that is left out stays as it is. */
export type LimitChanges = Partial<Limits>

export const limitFlags = Object.fromEntries(
  rows.map(([, flag, , about]) => [flag, { kind: 'text', value: 'number|none', about, words: ['none'] }]),
) as unknown as Readonly<Record<LimitFlag, Flag & { kind: 'text' }>>

export const readLimits = (
  values: Readonly<Record<LimitFlag, string | undefined>>,
  read: ReturnType<typeof fieldsInto>,
): LimitChanges =>
  Object.fromEntries(
    rows.flatMap(([name, flag]): [LimitName, string | null][] => {
      const text = values[flag]
      if (text === undefined) return []
      return [[name, text === 'none' ? null : (read.amount(`--${flag}`, text) ?? null)]]
    }),
  )

/** Those in an answer of the service. */
export const limitsIn = (object: Members): Limits =>
  Object.fromEntries(
    rows.map(([name]) => {
      const text = member(object, name)
      return [name, text === '' ? null : text]
    }),
  ) as Limits

export const noLimits: Limits = limitsIn({})

/** Such as `tickSize 0.01, lotSize 1`. */
export const limitsText = (limits: Limits): string =>
  Object.entries(limits)
    .flatMap(([name, text]) => (text === null ? [] : [`${name} ${text}`]))
    .join(', ') || 'none'

export const limitColumns: readonly Column<Members>[] = rows.map(([name, , head], i) => ({
  head,
  right: true,
  leave: 3 + i,
  cell: (row) => member(row, name),
}))

/** The members of an object, those of objects in it under a longer name: `limits.tickSize`. */
const flat = (object: Members, prefix = ''): [string, string][] =>
  Object.keys(object).flatMap((name) => {
    const inner = objectIn(object, name)
    return inner === null ? [[prefix + name, member(object, name)]] : flat(inner, `${prefix}${name}.`)
  })

/** What a person looks for first. */
const first = ['state', 'listed']
const byImportance = (a: string, b: string): number => first.indexOf(b) - first.indexOf(a)

/** What differs between two objects, such as `tickSize 0.01 → 0.05, lotSize none → 10`; empty: nothing does. */
export const differenceText = (before: Members, after: Members): string => {
  const [old, now] = [new Map(flat(before)), new Map(flat(after))]
  return [...new Set([...old.keys(), ...now.keys()])]
    .toSorted(byImportance)
    .flatMap((name) => {
      const [from, to] = [old.get(name) ?? '', now.get(name) ?? '']
      return from === to ? [] : [`${name} ${from === '' ? 'none' : from} → ${to === '' ? 'none' : to}`]
    })
    .join(', ')
}
