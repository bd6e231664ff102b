// Parses the text of a database's address: libpq's form (DATABASE_URL) or JDBC's (SPRING_DATASOURCE_URL). Both forms allow several
// servers in one address; neither has fragments; only JDBC reads a + as a space.

import type { Server } from '../store/connection.ts'
import { variable, type Env } from './env.ts'

export type Address = {
  /** The variable that it came from. Faults and warnings name it. */
  key: 'DATABASE_URL' | 'SPRING_DATASOURCE_URL'
  servers: readonly [Server, ...Server[]]
  /** Decoded; empty if the address has none. */
  user: string
  password: string
  database: string
  parameters: URLSearchParams
}

const forms = {
  DATABASE_URL: 'postgres://user:password@host:port/database, special characters percent-encoded',
  SPRING_DATASOURCE_URL: 'jdbc:postgresql://host:port/database',
} as const

const defaultPort = 5432

/** @returns null if the text names no server; the percent-encoded path of a Unix socket, which libpq accepts, is none */
const serverOf = (text: string): Server | null => {
  const url = URL.parse(`postgres://${text.trim()}`)
  if (url === null || url.hostname === '' || url.hostname.includes('%') || url.port === '0') return null
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || defaultPort) }
}

/** What follows the two slashes: an optional login, the servers, the database, the parameters. */
const addressPattern = /^([^/?#]*)(?:\/([^?#]*))?(\?[^#]*)?$/

/** @returns null if the text does not have the form. Throws if its percent-encoding is invalid. */
const parse = (key: Address['key'], text: string): Address | null => {
  const [, authority, path = '', query = ''] = addressPattern.exec(text) ?? []
  if (authority === undefined) return null
  const at = authority.lastIndexOf('@')
  const [first, ...others] = authority
    .slice(at + 1)
    .split(',')
    .map(serverOf)
  if (!first || others.includes(null)) return null
  const login = new URL(`postgres://${authority.slice(0, at + 1)}host`)
  const address: Address = {
    key,
    servers: [first, ...(others as Server[])],
    user: decodeURIComponent(login.username),
    password: decodeURIComponent(login.password),
    database: decodeURIComponent(path),
    parameters: new URLSearchParams(query),
  }
  const { user, password, database, parameters } = address
  // In the protocol a NUL would end this text and begin another one.
  return database === '' || /\p{Cc}/u.test([user, password, database, ...parameters.values()].join('')) ? null : address
}

const directScheme = /^postgres(ql)?:\/\//
const parseDirect = (text: string): Address | null =>
  // URLSearchParams would read a + as a space; in this form it is a plus sign.
  directScheme.test(text) ? parse('DATABASE_URL', text.replace(directScheme, '').replaceAll('+', '%2B')) : null

const jdbcScheme = /^jdbc:postgresql:(\/\/)?/
/** Without slashes, or without a server after them, JDBC means this host. */
const parseJdbc = (text: string): Address | null => {
  const [scheme, slashes] = jdbcScheme.exec(text) ?? []
  if (scheme === undefined) return null
  const rest = text.slice(scheme.length).replaceAll('#', '%23')
  const local = slashes === undefined ? `localhost/${rest}` : rest.startsWith('/') ? `localhost${rest}` : rest
  const [before, ...query] = local.split('?')
  return parse('SPRING_DATASOURCE_URL', [before!.replaceAll('+', '%20'), ...query].join('?'))
}

/** The address in the environment, or null with a fault. The fault shows the form, not the text, which may hold a password. */
export const readAddress = (env: Env, faults: string[]): Address | null => {
  const [direct, spring] = [variable(env, 'DATABASE_URL'), variable(env, 'SPRING_DATASOURCE_URL')]
  const key = direct === undefined ? 'SPRING_DATASOURCE_URL' : 'DATABASE_URL'
  const text = direct ?? spring
  if (text === undefined) {
    faults.push('DATABASE_URL (or SPRING_DATASOURCE_URL) is required: postgres://user:password@host:port/database')
    return null
  }
  try {
    const address = direct === undefined ? parseJdbc(text) : parseDirect(text)
    if (address !== null) return address
  } catch {
    // Its percent-encoding is invalid.
  }
  faults.push(`${key} must have the form ${forms[key]}`)
  return null
}
