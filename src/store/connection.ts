// One connection to Postgres: where it goes, how it is encrypted, and the settings of its session.

import { connect as connectTcp } from 'node:net'
import type { Duplex } from 'node:stream'
import postgres from 'postgres'
import './login.ts'
import { failedStream, openSecureSocket, type Certificates } from './secureSocket.ts'
import { createChooser, type Server } from './writable.ts'

export type { Server }

export type DatabaseTarget = {
  /** `postgres://user:password@host:port/database`, each part percent-encoded. */
  url: string
  /** Instead of the password in `url`: the one for a connection that is opened now. */
  password?: () => string
  /** The servers to choose from, instead of the one in `url`; set if there are several, or if the server has to take writes. */
  choices?: readonly Server[]
  /** As in libpq. `require` encrypts and verifies nothing. */
  ssl: 'disable' | 'allow' | 'prefer' | 'require' | 'verify-ca' | 'verify-full'
  /** For the modes from `require` on. A connection that is opened has what they are then. */
  certificates?: Certificates
  applicationName: string
  /** Sets search_path; undefined leaves the server's. */
  schema: string | undefined
  /** Settings as on the command line of the server, `-c name=value`. */
  options?: string
}

const serverOf = (url: string): Server => {
  const { hostname, port } = new URL(url)
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 5432) }
}

const openSocket = async (target: DatabaseTarget, server: Server, timeoutMs: number): Promise<Duplex> => {
  const { ssl: mode } = target
  if (mode === 'disable' || mode === 'allow' || mode === 'prefer') return connectTcp(server.port, server.host)
  return openSecureSocket({ ...server, mode, ...target.certificates }, timeoutMs)
}

type Once = { target: DatabaseTarget; connectTimeoutMs: number; settings: Record<string, string | number> }

/**
 * Asks one question on a connection of its own, which starts with these settings and is closed at once. The time-out for connecting
 * counts a second time for the answer: a server, or a proxy before it, may accept a connection and then never answer.
 */
export const askOnce = async <T>(
  { target, connectTimeoutMs, settings }: Once,
  question: (sql: postgres.Sql) => Promise<T>,
): Promise<T> => {
  const over = new AbortController()
  const sql = postgres(target.url, {
    ...reach(target, connectTimeoutMs, over.signal),
    max: 1,
    fetch_types: false,
    connection: settings,
  })
  const { promise: late, reject } = Promise.withResolvers<never>()
  const deadlineMs = 2 * connectTimeoutMs
  const timer = setTimeout(() => reject(new Error(`no answer from Postgres within ${deadlineMs} ms`)), deadlineMs)
  try {
    return await Promise.race([question(sql), late])
  } finally {
    clearTimeout(timer)
    over.abort()
    void sql.end({ timeout: 0 }).catch(() => undefined)
  }
}

const takesWrites = (target: DatabaseTarget, connectTimeoutMs: number): Promise<boolean> =>
  askOnce({ target, connectTimeoutMs, settings: sessionOf(target) }, async (sql) => {
    const [row] = await sql<{ writable: boolean }[]>`
      select not pg_is_in_recovery() and current_setting('transaction_read_only') = 'off' as writable`
    return row!.writable
  })

/** All connections of one target share a chooser, and so what it finds out. */
const choosers = new WeakMap<DatabaseTarget, () => Promise<Server>>()

const chooserOf = (target: DatabaseTarget, servers: readonly Server[], timeoutMs: number): (() => Promise<Server>) => {
  const existing = choosers.get(target)
  if (existing !== undefined) return existing
  const { choices: _, ...single } = target
  const chooser = createChooser(servers, ({ host, port }) => {
    const url = new URL(target.url)
    url.hostname = host.includes(':') ? `[${host}]` : host
    url.port = String(port)
    return takesWrites({ ...single, url: url.href }, timeoutMs)
  })
  choosers.set(target, chooser)
  return chooser
}

/** Never rejects: see failedStream. */
const openUnlessOver = async (open: () => Promise<Duplex>, over: AbortSignal): Promise<Duplex> => {
  try {
    const socket = await open()
    if (!over.aborted) return socket
    socket.on('error', () => undefined).destroy()
  } catch (error) {
    return failedStream(error)
  }
  return failedStream(new Error('not needed any more'))
}

/** Opens a socket to the server of the target, or to one of its choices. Never rejects. */
const opener = (target: DatabaseTarget, timeoutMs: number, over: AbortSignal): (() => Promise<Duplex>) => {
  const { choices } = target
  const choose =
    choices === undefined ? () => Promise.resolve(serverOf(target.url)) : chooserOf(target, choices, timeoutMs)
  const openChosen = async (): Promise<Duplex> => {
    const server = await choose()
    over.throwIfAborted()
    return openSocket(target, server, timeoutMs)
  }
  return () => openUnlessOver(openChosen, over)
}

/**
 * Where the driver's sockets come from. We open them if they must be encrypted or if there are several servers: the driver itself only
 * tries to encrypt, and it tries several servers without end and without a pause. (Its types leave the option out.) A socket that arrives
 * after the driver was ended must not reach it: the driver would use that socket, and keep its connection for an hour.
 */
const socketOf = (target: DatabaseTarget, timeoutMs: number, over: AbortSignal): object => {
  const { choices, ssl } = target
  const ours = choices !== undefined || ssl === 'require' || ssl === 'verify-ca' || ssl === 'verify-full'
  return ours ? { socket: opener(target, timeoutMs, over) } : {}
}

/** The driver's options for reaching the server of the target. `over` is aborted when the client has ended and takes no socket any more. */
export const reach = (target: DatabaseTarget, connectTimeoutMs: number, over = new AbortController().signal) => {
  const { host, port } = serverOf(target.url)
  return {
    // As lists, because the driver splits a text at its colons, and an IPv6 address has several. (The driver's types leave lists out.)
    ...({ host: [host], port: [port] } as object),
    // The driver takes the name in the URL as it is, percent-encoded.
    database: decodeURIComponent(new URL(target.url).pathname.slice(1)),
    ...(target.password !== undefined && { password: target.password }),
    ssl: target.ssl === 'allow' || target.ssl === 'prefer' ? ('prefer' as const) : false,
    ...socketOf(target, connectTimeoutMs, over),
    connect_timeout: connectTimeoutMs / 1000,
    backoff: () => 0.1 + Math.random() * 0.2,
    onnotice: () => undefined,
  }
}

/**
 * The same for one session. What a session has set, locked and put aside in tables of its own ends with its connection, and the driver would
 * go on with a new connection as if nothing had happened: so there is no second one, however long the session lasts.
 */
export const reachOnce = (target: DatabaseTarget, connectTimeoutMs: number) => {
  const open = opener(target, connectTimeoutMs, new AbortController().signal)
  let opened = false
  const socket = (): Promise<Duplex> => {
    if (opened)
      return Promise.resolve(failedStream(new Error('the session with Postgres was lost, and what it had begun')))
    opened = true
    return open()
  }
  return { ...reach(target, connectTimeoutMs), socket, max: 1, max_lifetime: 0 }
}

/** Of targets whose tables lie elsewhere than their address says: the schema. */
const foundSchemas = new WeakMap<DatabaseTarget, string>()

/** Sessions that are opened from now on use this schema. */
export const useSchema = (target: DatabaseTarget, schema: string): void => {
  foundSchemas.set(target, schema)
}

/** The schema that sessions of this target ask for; undefined leaves the server's. */
export const schemaOf = (target: DatabaseTarget): string | undefined => foundSchemas.get(target) ?? target.schema

/**
 * How values are written and read. An operator may have set any of these otherwise for the role or the database, for other programs; then
 * times would be misread, digits cut, and nulls be words. And a policy that hides rows is an error (42501), as it is for pg_dump: a fill of an order
 * that is only hidden would else be one of an order that nobody knows.
 */
export const formats = {
  DateStyle: 'ISO, MDY',
  IntervalStyle: 'postgres',
  TimeZone: 'UTC',
  bytea_output: 'hex',
  extra_float_digits: '1',
  array_nulls: 'on',
  standard_conforming_strings: 'on',
  transform_null_equals: 'off',
  row_security: 'off',
} as const

/** The settings that every session requests when it begins. */
export const sessionOf = (target: DatabaseTarget) => ({
  application_name: target.applicationName,
  ...(schemaOf(target) === undefined ? {} : { search_path: schemaOf(target)! }),
  ...(target.options === undefined ? {} : { options: target.options }),
})
