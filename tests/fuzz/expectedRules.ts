// Part of the independent oracle: what the contract allows for changes of the rules of business, which the fuzz makes of tickers that no order
// names.

import { isUtf8 } from 'node:buffer'
import {
  amountOf,
  isLess,
  isWords,
  knownMembers,
  refusedEarly,
  textOf,
  valueOf,
  type BodyRequest,
} from './expectedOrder.ts'
import type { Json } from './strictJson.ts'

const limits = [
  'tickSize',
  'lotSize',
  'quantityMin',
  'quantityMax',
  'notionalMax',
  'referencePrice',
  'priceBandPercent',
]

const tickerShape = /^[A-Za-z0-9._/:^=+&@#-]{1,16}$/

/** The parameters of a query in which each is known and stands once; null for any other. */
const parametersOf = (query: string, known: readonly string[]): Map<string, string> | null => {
  const all = [...new URLSearchParams(query)]
  const names = all.map(([name]) => name)
  return names.every((name) => known.includes(name)) && new Set(names).size === names.length ? new Map(all) : null
}

const isTicker = (text: string | undefined): boolean => text !== undefined && tickerShape.test(text)

const isSaid = (members: Map<string, Json>): boolean =>
  isWords(textOf(members.get('by')), 200) && isWords(textOf(members.get('note')), 2_000)

const areLimits = (members: Map<string, Json>): boolean => {
  const amounts = limits.map((name): string | null | undefined => {
    const value = members.get(name)
    if (value === undefined || (value.kind === 'literal' && value.value === null)) return null
    return amountOf(value) ?? undefined
  })
  const [min, max] = [amounts[2], amounts[3]]
  if (amounts.includes(undefined)) return false
  return typeof min !== 'string' || typeof max !== 'string' || !isLess(max, min)
}

/** `body`: what the members of the body have to be. */
const judge = (
  request: BodyRequest,
  members: readonly string[],
  isLawful: (body: Map<string, Json>) => boolean,
): number[] => {
  const early = refusedEarly(request)
  if (early !== null) return [early]
  const body = knownMembers(valueOf(request.body), members)
  return [body !== null && isSaid(body) && isLawful(body) ? 200 : 400]
}

/** A body that is too large may be seen before the query. */
const badQuery = ({ body }: BodyRequest): number[] => (body.length > 65_536 ? [400, 413] : [400])

export const expectInstrument = (request: BodyRequest, query: string): number[] => {
  const parameters = parametersOf(query, ['ticker'])
  if (!isTicker(parameters?.get('ticker'))) return badQuery(request)
  return judge(request, [...limits, 'by', 'note'], areLimits)
}

/** Parameters that were no UTF-8 are read with this character, which nobody needs. */
const isSent = (text: string): boolean => !text.includes('\ufffd')

/** `query`: a character a byte. */
export const expectDelisting = (query: string): number[] => {
  if (!isUtf8(Buffer.from(query, 'latin1'))) return [400]
  const parameters = parametersOf(query, ['ticker', 'by', 'note'])
  const [by, note] = [parameters?.get('by') ?? '', parameters?.get('note') ?? '']
  const isLawful = isWords(by, 200) && isWords(note, 2_000) && isSent(by) && isSent(note)
  return isTicker(parameters?.get('ticker')) && isLawful ? [200, 404] : [400]
}

export const expectTrading = (request: BodyRequest, query: string): number[] => {
  const parameters = parametersOf(query, ['ticker'])
  const ticker = parameters?.get('ticker')
  if (parameters === null || (ticker !== undefined && !isTicker(ticker))) return badQuery(request)
  return judge(request, ['state', 'cancelOpen', 'limits', 'by', 'note'], (body) => {
    const [state, cancelOpen, defaults] = [body.get('state'), body.get('cancelOpen'), body.get('limits')]
    if (state === undefined && defaults === undefined) return false
    if (state !== undefined && !['ACTIVE', 'HALTED'].includes(textOf(state))) return false
    if (cancelOpen !== undefined) {
      if (cancelOpen.kind !== 'literal' || typeof cancelOpen.value !== 'boolean') return false
      if (cancelOpen.value && textOf(state) !== 'HALTED') return false
    }
    if (defaults === undefined) return true
    const inner = knownMembers(defaults, limits)
    return ticker === undefined && inner !== null && areLimits(inner)
  })
}

/** Of a read: its parameters, and whether it may find nothing. */
export const expectRead = (query: string, known: readonly string[], ...more: number[]): number[] =>
  parametersOf(query, known) === null ? [400] : [200, 400, ...more]
