// The ports of the service: one for everybody, and one for operators where it has its own.

import { managementOf } from './access.ts'
import type { Config } from '../config/config.ts'
import type { Guard } from '../http/gates/guard.ts'
import { startServer, type Server, type ServerOptions } from '../http/server.ts'
import { describe } from '../telemetry/log.ts'
import { serverCertificateOf } from '../config/transport.ts'

/** `management`: null where its routes are on the port of the others. */
export type Listening = { server: Server; management: Server | null }

type Keys = { host: 'SERVER_HOST' | 'MANAGEMENT_HOST'; port: 'SERVER_PORT' | 'MANAGEMENT_PORT' }
const main: Keys = { host: 'SERVER_HOST', port: 'SERVER_PORT' }
const operators: Keys = { host: 'MANAGEMENT_HOST', port: 'MANAGEMENT_PORT' }

/**
 * The longest that a client may have to wait in silence: its body, what its credential is checked with (asked for twice at the
 * most), a look at the order or its key, and the write.
 */
const answerMaxMs = ({ REQUEST_DEADLINE_MS, AUTH_JWKS_URL, AUTH_JWKS_TIMEOUT_MS }: Config): number =>
  3 * REQUEST_DEADLINE_MS + (AUTH_JWKS_URL === '' ? 0 : 2 * AUTH_JWKS_TIMEOUT_MS) + graceMs
const graceMs = 1_000

type Opening = ServerOptions & { tls?: ReturnType<typeof serverCertificateOf> }

const open = (config: Config, keys: Keys, options: Opening): Server | null => {
  const [hostname, port] = [config[keys.host], config[keys.port]]
  try {
    return startServer({ ...options, hostname, port })
  } catch (error) {
    options.log.error(`cannot listen on ${hostname}:${port}: free the port or set ${keys.port}`, describe(error))
    return null
  }
}

type Timing = 'idleTimeoutMs' | 'answerMaxMs'

/** Null, and why in the log, where a port cannot be had. */
export const listenOn = (config: Config, guard: Guard, rest: Omit<ServerOptions, Timing>): Listening | null => {
  const tls = serverCertificateOf(config)
  const options = { ...rest, idleTimeoutMs: config.SERVER_IDLE_TIMEOUT_MS, answerMaxMs: answerMaxMs(config) }
  const server = open(config, main, { ...options, tls, guard, management: managementOf(config) })
  if (server === null) return null
  if (config.MANAGEMENT_PORT === 0) return { server, management: null }
  // Nobody has to say who it is there: the address that it listens on is what guards it. No page of another origin has a part in it.
  const management = open(config, operators, { ...options, corsOrigins: [], management: 'only' })
  return management === null ? null : { server, management }
}
