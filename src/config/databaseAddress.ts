// The text of a database's address, as libpq writes it (DATABASE_URL) or as JDBC does (SPRING_DATASOURCE_URL), taken to pieces.
// Both know several servers in one address; neither knows fragments; only JDBC reads a + as a space.

import { given, type Env } from './env.ts'
import type { Server } from '../store/connection.ts'

export type Address = {
  /** The variable that it came from, for the sentences about it. */
  key: 'DATABASE_URL' | 'SPRING_DATASOURCE_URL'
  servers: readonly [Server, ...Server[]]
  /** Decoded; empty where the address has none. */
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

/** Null where it names no server. A path of a Unix socket, which libpq takes percent-encoded, is none. */
const serverOf = (text: string): Server | null => {
  const url = URL.parse(`postgres://${text.trim()}`)
  if (url === null || url.hostname === '' || url.hostname.includes('%') || url.port === '0') return null
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || defaultPort) }
}

/** What stands behind the two slashes: servers with or without a login before them, the database, the parameters. */
const pieces = /^([^/?#]*)(?:\/([^?#]*))?(\?[^#]*)?$/

/** Null where it has not the form; throws where something is not percent-encoded as it should be. */
const take = (key: Address['key'], text: string): Address | null => {
  const [, authority, path = '', query = ''] = pieces.exec(text) ?? []
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
  // A NUL would end a text where the protocol has it, and begin another.
  return database === '' || /\p{Cc}/u.test([user, password, database, ...parameters.values()].join('')) ? null : address
}

const directScheme = /^postgres(ql)?:\/\//
const takeDirect = (text: string): Address | null =>
  // Before the question mark a + is one in any case.
  directScheme.test(text) ? take('DATABASE_URL', text.replace(directScheme, '').replaceAll('+', '%2B')) : null

const jdbcScheme = /^jdbc:postgresql:(\/\/)?/
/** Without slashes, or without a server behind them, JDBC means this host. */
const takeJdbc = (text: string): Address | null => {
  const [scheme, slashes] = jdbcScheme.exec(text) ?? []
  if (scheme === undefined) return null
  const rest = text.slice(scheme.length).replaceAll('#', '%23')
  const local = slashes === undefined ? `localhost/${rest}` : rest.startsWith('/') ? `localhost${rest}` : rest
  const [before, ...query] = local.split('?')
  return take('SPRING_DATASOURCE_URL', [before!.replaceAll('+', '%20'), ...query].join('?'))
}

/** The address of the environment, or null with a fault. A fault says the form and not the text, which may hold a password. */
export const readAddress = (env: Env, faults: string[]): Address | null => {
  const [direct, spring] = [given(env, 'DATABASE_URL'), given(env, 'SPRING_DATASOURCE_URL')]
  const key = direct === undefined ? 'SPRING_DATASOURCE_URL' : 'DATABASE_URL'
  const text = direct ?? spring
  if (text === undefined) {
    faults.push('DATABASE_URL (or SPRING_DATASOURCE_URL) is required: postgres://user:password@host:port/database')
    return null
  }
  try {
    const address = direct === undefined ? takeJdbc(text) : takeDirect(text)
    if (address !== null) return address
  } catch {
    // Something in it is no percent-encoding.
  }
  faults.push(`${key} must have the form ${forms[key]}`)
  return null
}
