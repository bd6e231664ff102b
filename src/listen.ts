// The ports of the service: one for everybody, and one for operators where it has its own.

import { managementOf } from './access.ts'
import type { Config } from './config.ts'
import type { Guard } from './http/guard.ts'
import { startServer, type Server, type ServerOptions } from './http/server.ts'
import { describe } from './log.ts'
import { serverCertificateOf } from './transport.ts'

/** `management`: null where its routes are on the port of the others. */
export type Listening = { server: Server; management: Server | null }

type Keys = { host: 'SERVER_HOST' | 'MANAGEMENT_HOST'; port: 'SERVER_PORT' | 'MANAGEMENT_PORT' }
const main: Keys = { host: 'SERVER_HOST', port: 'SERVER_PORT' }
const operators: Keys = { host: 'MANAGEMENT_HOST', port: 'MANAGEMENT_PORT' }

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

/** Null, and why in the log, where a port cannot be had. */
export const listenOn = (config: Config, guard: Guard, options: ServerOptions): Listening | null => {
  const tls = serverCertificateOf(config)
  const server = open(config, main, { ...options, tls, guard, management: managementOf(config) })
  if (server === null) return null
  if (config.MANAGEMENT_PORT === 0) return { server, management: null }
  // Nobody has to say who it is there: the address that it listens on is what guards it. No page of another origin has a part in it.
  const management = open(config, operators, { ...options, corsOrigins: [], management: 'only' })
  return management === null ? null : { server, management }
}
