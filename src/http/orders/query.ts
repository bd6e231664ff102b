// The parameters of the lists: filters, limit and the opaque cursor.

import { canonicalUuid, leastIdAt } from '../../domain/ids.ts'
import { closedStatuses, openOf, openStatuses, statuses, type Status } from '../../domain/order.ts'
import { canonicalKey, canonicalTicker, keyForm, tickerForm, uuidForm } from '../../domain/patterns.ts'
import { sides } from '../../domain/terms.ts'
import type { OrderFilter } from '../../store/orderPage.ts'
import type { Fault } from '../exchange/problem.ts'
import type { Decoded, UnknownFields } from './decode.ts'

export type ListQuery = { filter: OrderFilter; limit: number }
export type FillsQuery = { before: number; limit: number }

const limits = { default: 50, max: 500 }
const newestVersion = 2 ** 31 - 1
const instantPattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)$/i

export const encodeCursor = (place: string): string => Buffer.from(place).toString('base64url')
export const decodeCursor = (cursor: string): string => Buffer.from(cursor, 'base64url').toString()

/** Reads parameters one by one and gathers their faults. */
export const createReader = (params: URLSearchParams, known: readonly string[], unknownFields: UnknownFields) => {
  const faults: Fault[] = []
  const fault = (name: string, detail: string): undefined => {
    faults.push({ pointer: `?${name}`, detail })
    return undefined
  }
  if (unknownFields === 'refuse')
    for (const name of new Set(params.keys()))
      if (!known.includes(name))
        fault(/^[A-Za-z0-9_.-]{1,64}$/.test(name) ? name : '', `is not a parameter here; known are ${known.join(', ')}`)

  const one = (name: string): string | undefined => {
    const values = params.getAll(name)
    return values.length > 1 ? fault(name, 'is given more than once') : values[0]
  }
  const read = <T>(name: string, decode: (text: string) => T | undefined, rule: string): T | undefined => {
    const text = one(name)
    if (text === undefined) return undefined
    const value = decode(text)
    return value === undefined ? fault(name, rule) : value
  }
  const limit = (): number =>
    read(
      'limit',
      (text) => (/^[1-9]\d{0,2}$/.test(text) && Number(text) <= limits.max ? Number(text) : undefined),
      `must be a whole number from 1 to ${limits.max}`,
    ) ?? limits.default
  return { read, limit, fault, faults }
}

const instant = (text: string): Date | undefined => {
  if (!instantPattern.test(text)) return undefined
  const at = new Date(text)
  if (Number.isNaN(at.getTime())) return undefined
  // A Date rolls 30 February over into March.
  const day = text.slice(0, 10)
  return new Date(`${day}T00:00:00Z`).toISOString().startsWith(day) ? at : undefined
}

/** The millisecond at or after an instant: digits below it round up, for both bounds compare with whole milliseconds. */
const wholeMs = (text: string): number | undefined => {
  const at = instant(text)
  if (at === undefined) return undefined
  const below = /\.\d{3}(\d+)/.exec(text)?.[1] ?? ''
  return at.getTime() + (/[1-9]/.test(below) ? 1 : 0)
}

const readStatuses = (params: URLSearchParams, fault: (name: string, detail: string) => undefined): Status[] => {
  const asked = params.getAll('status').flatMap((value): readonly Status[] => {
    if (value === 'open') return openStatuses
    if (value === 'closed') return closedStatuses
    const status = statuses.find((known) => known === value)
    if (status === undefined) fault('status', `must be open, closed or one of ${statuses.join(', ')}`)
    return status === undefined ? [] : [status]
  })
  return [...new Set(asked)]
}

const least = (a: string | undefined, b: string | undefined): string | undefined =>
  a === undefined || (b !== undefined && b < a) ? b : a

const listParams = [
  'userId',
  'ticker',
  'side',
  'status',
  'createdAfter',
  'createdBefore',
  'clientOrderId',
  'limit',
  'cursor',
] as const

export const decodeListQuery = (params: URLSearchParams, unknownFields: UnknownFields): Decoded<ListQuery> => {
  const { read, limit, fault, faults } = createReader(params, listParams, unknownFields)
  const timeRule = 'must be an ISO-8601 instant with a zone, such as 2026-01-02T03:04:05Z'
  const createdAfter = read('createdAfter', wholeMs, timeRule)
  const createdBefore = read('createdBefore', wholeMs, timeRule)
  const cursor = read(
    'cursor',
    (text) => canonicalUuid(decodeCursor(text)) ?? undefined,
    'must be a nextCursor of this list, unchanged',
  )
  const asked = readStatuses(params, fault)
  const query: ListQuery = {
    filter: {
      userId: read('userId', (text) => canonicalUuid(text) ?? undefined, uuidForm.rule),
      ticker: read('ticker', (text) => canonicalTicker(text) ?? undefined, tickerForm.rule),
      side: read('side', (text) => sides.find((side) => side === text), `must be one of ${sides.join(', ')}`),
      clientOrderId: read('clientOrderId', (text) => canonicalKey(text) ?? undefined, keyForm.rule),
      statuses: asked,
      open: openOf(asked),
      // An id begins with the millisecond of its order, so times are bounds on ids.
      before: least(cursor, createdBefore === undefined ? undefined : leastIdAt(createdBefore)),
      from: createdAfter === undefined ? undefined : leastIdAt(createdAfter),
    },
    limit: limit(),
  }
  return faults.length > 0 ? { ok: false, faults } : { ok: true, value: query }
}

export const decodeFillsQuery = (params: URLSearchParams, unknownFields: UnknownFields): Decoded<FillsQuery> => {
  const { read, limit, faults } = createReader(params, ['limit', 'cursor'], unknownFields)
  const before = read(
    'cursor',
    (text) => {
      const version = /^fill-(\d{1,10})$/.exec(decodeCursor(text))?.[1]
      return version === undefined || Number(version) > newestVersion ? undefined : Number(version)
    },
    'must be a nextCursor of this list, unchanged',
  )
  const query = { before: before ?? newestVersion, limit: limit() }
  return faults.length > 0 ? { ok: false, faults } : { ok: true, value: query }
}

export const fillCursor = (orderVersion: number): string => encodeCursor(`fill-${orderVersion}`)
