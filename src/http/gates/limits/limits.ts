// How many requests a caller, and all callers together, may send: decided before a body is read. Answers carry the fields of
// draft-ietf-httpapi-ratelimit-headers. What is left of the total is told to nobody: it would say how busy the others are.

import { everybody } from '../../../app/caller.ts'
import type { Exchange, Gate } from '../../exchange/exchange.ts'
import { problem, type Problem } from '../../exchange/problem.ts'
import { createBuckets, type Buckets, type Level } from './rateLimit.ts'

export type Rate = { perSecond: number; burst: number }
export type LimitOptions = {
  perSubject: Rate | null
  total: Rate | null
  /** Where nobody says who it is: whether the address that a request comes from counts as its subject. */
  byAddress: boolean
  nowMs?: () => number
}

const subjectsMax = 50_000

/** The one key of the total. */
const all = ''

/** A whole network of IPv6 is one caller's: its first 64 bits count. IPv4, also where it is written as IPv6, counts whole. */
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

const tooMany = (detail: string, waitSeconds: number): Problem =>
  problem('RATE_LIMITED', detail, { headers: { 'retry-after': String(Math.max(1, Math.ceil(waitSeconds))) } })

export const tooManyOfSubject = (waitSeconds: number): Problem =>
  tooMany('too many requests of yours: try again after the time in Retry-After', waitSeconds)

export const tooManyBadCredentials = (waitSeconds: number): Problem =>
  tooMany('too many bad credentials from this address: try again after the time in Retry-After', waitSeconds)

/** Rates are whole requests a second: the next one is never further away. */
const moreAfterSeconds = 1
const left = (name: string, { remaining }: Level): string => `"${name}";r=${remaining};t=${moreAfterSeconds}`

/** The gate of the limits; `addressOf` is asked only where `byAddress` says so. */
export const limitGate = (options: LimitOptions, addressOf: (request: Request) => string): Gate => {
  const { perSubject, total, byAddress, nowMs = () => performance.now() } = options
  const subjects = bucketsOf(perSubject, subjectsMax, nowMs)
  const whole = bucketsOf(total, 1, nowMs)
  const policy = [...policyOf('subject', perSubject), ...policyOf('total', total)].join(', ')

  const subjectOf = ({ caller, request }: Exchange): string | null => {
    if (caller !== null && caller !== everybody) return caller.subject
    return byAddress ? networkOf(addressOf(request)) : null
  }
  return (exchange) => {
    if (exchange.operation?.needs !== 'store') return null
    exchange.headers['ratelimit-policy'] = policy
    const subject = subjects === null ? null : subjectOf(exchange)
    if (subject !== null) {
      const own = subjects!.take(subject)
      exchange.headers['ratelimit'] = left('subject', own)
      if (!own.allowed) return tooManyOfSubject(own.waitSeconds)
    }
    const level = whole?.take(all)
    if (level === undefined || level.allowed) return null
    if (subject !== null) subjects!.putBack(subject)
    exchange.headers['ratelimit'] = left('total', level)
    return tooMany('too many requests in all: try again after the time in Retry-After', level.waitSeconds)
  }
}
