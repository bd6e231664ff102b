// Limits how many requests one caller, and all callers together, may send. It decides before a body is read; each further order of a batch
// counts as one more request. Answers carry the fields of
// draft-ietf-httpapi-ratelimit-headers. The answer to a request that passes does not show what is left of the total, because that would
// show how busy the other callers are.

import { subjectOf } from '../../../app/caller.ts'
import { createBuckets, type Buckets, type BucketState } from '../../../app/rateLimit.ts'
import type { Exchange, Gate } from '../../exchange/exchange.ts'
import { problem, type Problem } from '../../exchange/problem.ts'

export type Rate = { perSecond: number; burst: number }
export type LimitOptions = {
  perSubject: Rate | null
  total: Rate | null
  /** Whether the address counts as the subject of a request that names no caller. */
  byAddress: boolean
  nowMs?: () => number
}

const subjectsMax = 50_000

/** The only key among the buckets of the total. */
const totalKey = ''

/** One IPv6 caller has a whole network, so only its first 64 bits count. An IPv4 address counts whole, even written as IPv6. */
export const networkOf = (address: string): string => {
  const mapped = /(?:^|:)(\d+\.\d+\.\d+\.\d+)$/.exec(address)?.[1]
  if (mapped !== undefined || !address.includes(':')) return mapped ?? address
  const [head = '', tail] = address.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = Array.from(
    { length: tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length) },
    () => '0',
  )
  return [...before, ...zeros, ...after].slice(0, 4).join(':')
}

const bucketsOf = (rate: Rate | null, keysMax: number, nowMs: () => number): Buckets | null =>
  rate === null ? null : createBuckets({ ...rate, keysMax, nowMs })

const policyOf = (name: string, rate: Rate | null): string[] =>
  rate === null ? [] : [`"${name}";q=${rate.burst};w=${Math.ceil(rate.burst / rate.perSecond)}`]

/** A 429. `waitSeconds`: until there is room for the next one. */
export const tooMany = (detail: string, waitSeconds: number): Problem =>
  problem('RATE_LIMITED', detail, { headers: { 'retry-after': String(Math.max(1, Math.ceil(waitSeconds))) } })

export const tooManyOfSubject = (waitSeconds: number): Problem =>
  tooMany('too many requests of yours: try again after the time in Retry-After', waitSeconds)

export const tooManyBadCredentials = (waitSeconds: number): Problem =>
  tooMany('too many bad credentials from this address: try again after the time in Retry-After', waitSeconds)

/** Rates are whole requests a second, so the next request is at most a second away. */
const moreAfterSeconds = 1
const rateLimitField = (name: string, { remaining }: BucketState): string =>
  `"${name}";r=${remaining};t=${moreAfterSeconds}`

/** The gate of the limits; it calls `addressOf` only if `byAddress` is true. */
export const limitGate = (options: LimitOptions, addressOf: (request: Request) => string): Gate => {
  const { perSubject, total, byAddress, nowMs = () => performance.now() } = options
  const subjects = bucketsOf(perSubject, subjectsMax, nowMs)
  const totals = bucketsOf(total, 1, nowMs)
  const policy = [...policyOf('subject', perSubject), ...policyOf('total', total)].join(', ')

  const keyOf = ({ caller, request }: Exchange): string | null =>
    subjectOf(caller) ?? (byAddress ? networkOf(addressOf(request)) : null)
  const take = ({ headers }: Exchange, subject: string | null): Problem | null => {
    if (subject !== null) {
      const state = subjects!.take(subject)
      headers['ratelimit'] = rateLimitField('subject', state)
      if (!state.allowed) return tooManyOfSubject(state.waitSeconds)
    }
    const totalState = totals?.take(totalKey)
    if (totalState === undefined || totalState.allowed) return null
    if (subject !== null) subjects!.putBack(subject)
    headers['ratelimit'] = rateLimitField('total', totalState)
    return tooMany('too many requests in all: try again after the time in Retry-After', totalState.waitSeconds)
  }
  return (exchange) => {
    if (exchange.operation?.needs !== 'store') return null
    exchange.headers['ratelimit-policy'] = policy
    const subject = subjects === null ? null : keyOf(exchange)
    exchange.takeTurn = () => take(exchange, subject)
    return take(exchange, subject)
  }
}
