// The listening socket, in the clear or with TLS 1.2 and newer, and a certificate that can be renewed while requests are served.

import type { Elysia } from 'elysia'
import { silentSeconds } from './exchange/silence.ts'

/** PEM texts: the certificate with its chain, and its key. */
export type ServerCertificate = { cert: string; key: string }
export type Address = {
  port: number
  hostname: string
  tls?: ServerCertificate | undefined
  /** How long a connection may be silent before it is closed. */
  idleTimeoutMs: number
}

export type Listener = {
  port: number
  /**
   * Connections from now on see this certificate; requests under way end as they are. One that waits to be accepted at this very
   * instant is reset, and its client tries again. Throws where the certificate cannot be used; the one before stays then.
   */
  renew: (tls: ServerCertificate) => void
  /** Takes no new connection, lets requests under way end. */
  stop: () => Promise<void>
}

/** Bodies are bounded where they are read, with a problem as the answer; Bun's own bare 413 stays out of the way. */
const neverTooLarge = Number.MAX_SAFE_INTEGER

/**
 * Elysia lets several processes share a port unless it is told otherwise: a second one by mistake would take half the calls. Bun
 * cannot change the certificate of a server that listens, so with TLS two servers do share the port for a moment; that nobody
 * else has it is asked first.
 */
const open = (app: Elysia, { port, hostname, tls, idleTimeoutMs }: Address, reusePort: boolean) => {
  const limits = { idleTimeout: silentSeconds(idleTimeoutMs), maxRequestBodySize: neverTooLarge }
  app.listen({ port, hostname, reusePort, development: false, ...limits, ...(tls && { tls }) })
  const { server } = app
  if (server === null) throw new Error('the HTTP server did not start')
  return server
}

/** Listens on `port` (0: any free one). Throws when it is taken. */
export const listen = (app: Elysia, address: Address): Listener => {
  let server = open(app, address, false)
  const port = server.port ?? address.port
  if (address.tls !== undefined) {
    void server.stop(true)
    server = open(app, { ...address, port }, true)
  }
  let retired: Promise<unknown> = Promise.resolve()
  return {
    port,
    renew(tls) {
      const old = server
      server = open(app, { ...address, port, tls }, true)
      retired = Promise.all([retired, old.stop()])
    },
    async stop() {
      await Promise.all([server.stop(), retired])
    },
  }
}
