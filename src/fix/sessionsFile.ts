// The file of FIX sessions (FIX_SESSIONS_FILE): a JSON array, or one JSON object a line. It holds no password, because nobody can log on with a
// hash. An unknown member is refused: a session must not be wider than its operator meant.

import type { BlockList } from 'node:net'
import { isScope, type Scope } from '../app/caller.ts'
import { canonicalUuid } from '../domain/ids.ts'
import { timePattern } from '../domain/session.ts'
import { hashBytes, hashPattern, isSecretOf, noHash } from '../wire/secret.ts'
import { parseNetworks } from './networks.ts'
import { usersWith, type OrderSession } from './orders/session.ts'

/** `heartbeat`: the bounds of HeartBtInt (108), in seconds. */
export type FixSession = OrderSession & {
  /** SenderCompID (49) of the counterparty, and the CompID by which it calls this service (56). */
  senderCompId: string
  targetCompId: string
  /** The 32 bytes of the password's hash; null: a client certificate stands for it. */
  passwordHash: Uint8Array | null
  /** The name in the client's certificate; null: it needs none. */
  certificate: string | null
  /** The addresses from which it may connect; null: any. */
  networks: BlockList | null
  resetOnLogon: boolean
  heartbeat: { minSeconds: number; maxSeconds: number }
  /** `HH:MM` in the time zone of the trading session: when the day of the session begins. */
  dayStart: string
}

const members = [
  'id',
  'sender',
  'target',
  'password',
  'certificate',
  'addresses',
  'user',
  'accounts',
  'scopes',
  'reports',
  'idsPerDay',
  'resetOnLogon',
  'heartbeatMinSeconds',
  'heartbeatMaxSeconds',
  'dayStart',
]

const sessionsMax = 1_000
const accountsMax = 1_000
const heartbeatUsual = { minSeconds: 5, maxSeconds: 120 }
const heartbeatMaxSeconds = 3_600

const idPattern = /^[a-z0-9-]{1,40}$/
const compIdPattern = /^[!-~]{1,64}$/
const accountPattern = /^[ -~]{1,64}$/
const namePattern = /^[ -~]{1,200}$/

const fail = (at: number, fault: string): never => {
  throw new Error(`session ${at + 1}: ${fault}`)
}

type Row = Readonly<Record<string, unknown>>

/** A text of this form; `fallback` where the member is absent or null. */
const textOf = <F extends string | null>(
  row: Row,
  name: string,
  at: number,
  form: RegExp,
  rule: string,
  fallback?: F,
) => {
  const value = row[name] ?? null
  if (value === null && fallback !== undefined) return fallback
  return typeof value === 'string' && form.test(value) ? value : fail(at, `${name} ${rule}`)
}

const flagOf = (row: Row, name: string, at: number): boolean => {
  const value = row[name] ?? false
  return typeof value === 'boolean' ? value : fail(at, `${name} must be true or false`)
}

const secondsOf = (row: Row, name: string, at: number, fallback: number): number => {
  const value = row[name] ?? fallback
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= heartbeatMaxSeconds
    ? value
    : fail(at, `${name} must be a whole number from 1 to ${heartbeatMaxSeconds}`)
}

const userOf = ({ user = null }: Row, at: number): string | null => {
  if (user === null) return null
  return (typeof user === 'string' ? canonicalUuid(user) : null) ?? fail(at, 'user must be a UUID')
}

const accountsOf = ({ accounts = {} }: Row, at: number): ReadonlyMap<string, string> => {
  if (typeof accounts !== 'object' || accounts === null || Array.isArray(accounts))
    return fail(at, 'accounts must be an object of an account and its user each')
  const read = Object.entries(accounts).map(([account, user]): [string, string] => {
    const id = typeof user === 'string' ? canonicalUuid(user) : null
    return accountPattern.test(account) && id !== null
      ? [account, id]
      : fail(at, 'accounts must have names of 1 to 64 printable characters, and UUIDs')
  })
  if (read.length > accountsMax) fail(at, `accounts must be at most ${accountsMax}`)
  // Reports say the account of an order's user: there must be one answer.
  if (new Set(read.map(([, user]) => user)).size < read.length) fail(at, 'accounts must have a user each')
  return new Map(read)
}

/** A session acts for its users, and never for everybody. */
const scopesOf = ({ scopes }: Row, at: number): ReadonlySet<Scope> => {
  const isOurs = (scope: unknown): scope is Scope =>
    typeof scope === 'string' && isScope(scope) && scope !== 'orders:admin'
  return Array.isArray(scopes) && scopes.length > 0 && scopes.every(isOurs)
    ? new Set(scopes)
    : fail(at, 'scopes must be a list of orders:read, orders:write')
}

const readOrders = (row: Row, at: number): OrderSession => {
  const user = userOf(row, at)
  const accounts = accountsOf(row, at)
  if (user === null && accounts.size === 0) fail(at, 'needs a user, or accounts')
  const { reports = 'own' } = row
  return {
    id: textOf(row, 'id', at, idPattern, 'must be 1 to 40 of a-z 0-9 -'),
    user,
    accounts,
    users: usersWith({ user, accounts }),
    scopes: scopesOf(row, at),
    reports: reports === 'own' || reports === 'all' ? reports : fail(at, 'reports must be own or all'),
    idsPerDay: flagOf(row, 'idsPerDay', at),
  }
}

const readSession = (value: unknown, at: number): FixSession => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return fail(at, 'must be a JSON object')
  const row = value as Row
  if (Object.keys(row).some((name) => !members.includes(name))) fail(at, `has only ${members.join(', ')}`)
  const hash = textOf(row, 'password', at, hashPattern, 'must be sha256: and 64 hex digits', null)
  const certificate = textOf(row, 'certificate', at, namePattern, 'must be 1 to 200 printable characters', null)
  if (hash === null && certificate === null) fail(at, 'needs a password, or a certificate')
  const minSeconds = secondsOf(row, 'heartbeatMinSeconds', at, heartbeatUsual.minSeconds)
  const maxSeconds = secondsOf(row, 'heartbeatMaxSeconds', at, Math.max(minSeconds, heartbeatUsual.maxSeconds))
  if (minSeconds > maxSeconds) fail(at, 'heartbeatMinSeconds must be at most heartbeatMaxSeconds')
  const networks = row['addresses'] === undefined || row['addresses'] === null ? null : parseNetworks(row['addresses'])
  if (networks === 'faulty') return fail(at, 'addresses must be a list of addresses or networks such as 10.1.0.0/16')
  return {
    ...readOrders(row, at),
    senderCompId: textOf(row, 'sender', at, compIdPattern, 'must be 1 to 64 printable characters without blanks'),
    targetCompId: textOf(row, 'target', at, compIdPattern, 'must be 1 to 64 printable characters without blanks'),
    passwordHash: hash === null ? null : hashBytes(hash),
    certificate,
    networks,
    resetOnLogon: flagOf(row, 'resetOnLogon', at),
    heartbeat: { minSeconds, maxSeconds },
    dayStart: textOf(row, 'dayStart', at, timePattern, 'must be HH:MM', '00:00'),
  }
}

const parseJson = (text: string, at: number): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return fail(at, 'is not valid JSON')
  }
}

const valuesOf = (text: string): unknown[] => {
  if (text.trimStart().startsWith('[')) return parseJson(text, 0) as unknown[]
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  return lines.map(parseJson)
}

const isUnique = (texts: readonly string[]): boolean => new Set(texts).size === texts.length

/** The sessions of a file, by the CompIDs of a logon. */
export type FixSessions = {
  find: (senderCompId: string, targetCompId: string) => FixSession | null
  all: readonly FixSession[]
}

/** A blank is in no CompID. */
const nameOf = (sender: string, target: string): string => `${sender} ${target}`

/** Throws, with a sentence that names a session by its position and quotes nothing. */
export const parseSessions = (text: string): FixSessions => {
  const all = valuesOf(text).map(readSession)
  if (all.length > sessionsMax) throw new Error(`there are more than ${sessionsMax} sessions`)
  if (!isUnique(all.map(({ id }) => id))) throw new Error('two sessions have one id')
  const named = all.map((one): [string, FixSession] => [nameOf(one.senderCompId, one.targetCompId), one])
  if (!isUnique(named.map(([name]) => name))) throw new Error('two sessions have one sender and target')
  const byName = new Map(named)
  return { find: (sender, target) => byName.get(nameOf(sender, target)) ?? null, all }
}

/**
 * Parses the file each time that it changes. Whoever writes it anew often empties it first, and every session would be logged out meanwhile: after a
 * file with sessions an empty one is a fault. `[]` says that there is none any more.
 */
export const createSessionsParser = (): ((text: string) => FixSessions) => {
  let hadSessions = false
  return (text) => {
    if (hadSessions && text.trim() === '') throw new Error('it is empty: [] says that there is no session any more')
    const sessions = parseSessions(text)
    hadSessions = sessions.all.length > 0
    return sessions
  }
}

/** Whether this is the password (554) of the session. Null: the logon has none, or there is no such session. */
export const isPasswordOf = (session: FixSession | null, password: string | null): boolean => {
  const hash = session === null ? noHash : session.passwordHash
  if (hash === null) return true
  return isSecretOf(password ?? '', hash) && session !== null
}

/** The day of the session at this moment, YYYYMMDD: the date on which it began. */
export const dayOf = ({ dayStart }: Pick<FixSession, 'dayStart'>, now: Date, timeZone: string): string => {
  const local = Temporal.Instant.fromEpochMilliseconds(now.getTime()).toZonedDateTimeISO(timeZone)
  const begun = Temporal.PlainTime.compare(local.toPlainTime(), Temporal.PlainTime.from(dayStart)) >= 0
  const date = begun ? local.toPlainDate() : local.toPlainDate().subtract({ days: 1 })
  return date.toString().replaceAll('-', '')
}
