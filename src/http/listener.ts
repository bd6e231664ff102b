// The listening socket, without TLS or with TLS 1.2 and newer. Its certificate can be renewed while requests are served.

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
  /** Other processes that say the same may listen on the port too, and each gets a part of the connections. Default: nobody else may. */
  isShared?: boolean
}

export type Listener = {
  port: number
  /**
   * New connections see this certificate; requests under way end undisturbed. A connection that waits to be accepted at this very
   * instant is reset, and its client tries again. Throws if the certificate cannot be used; then the former one stays in force.
   */
  renew: (tls: ServerCertificate) => void
  /**
   * Accepts no new connections, and resolves when the requests under way have ended. `cutAfterMs`: those that last longer are cut off, such
   * as a stream whose client takes its end byte by byte; never by default.
   */
  stop: (cutAfterMs?: number) => Promise<void>
}

/** Bodies are bounded when they are read (exchange/body.ts), with a problem as the answer instead of Bun's own bare 413. */
const neverTooLarge = Number.MAX_SAFE_INTEGER

/**
 * Elysia lets several processes share a port by default: a second process, started by mistake, would take half the calls. Bun cannot
 * change the certificate of a listening server, so with TLS two servers share the port for a moment; `openPort` first makes sure that
 * no other process has it, unless the port is meant to be shared.
 */
const bind = (app: Elysia, { port, hostname, tls, idleTimeoutMs }: Address, reusePort: boolean) => {
  const limits = { idleTimeout: silentSeconds(idleTimeoutMs), maxRequestBodySize: neverTooLarge }
  app.listen({ port, hostname, reusePort, development: false, ...limits, ...(tls && { tls }) })
  const { server } = app
  if (server === null) throw new Error('the HTTP server did not start')
  return server
}

/** Listens on `port` (0: any free port). Throws if another process has the port. */
export const openPort = (app: Elysia, address: Address): Listener => {
  const isShared = address.isShared === true
  let server = bind(app, address, isShared)
  const port = server.port ?? address.port
  if (address.tls !== undefined && !isShared) {
    void server.stop(true)
    server = bind(app, { ...address, port }, true)
  }
  /** Those with certificates of before, while requests are under way there. */
  const former = new Set<typeof server>()
  return {
    port,
    renew(tls) {
      const old = server
      server = bind(app, { ...address, port, tls }, true)
      former.add(old)
      void old.stop().then(() => former.delete(old))
    },
    async stop(cutAfterMs) {
      const cut = (): void => [server, ...former].forEach((one) => void one.stop(true))
      const timer = cutAfterMs === undefined ? undefined : setTimeout(cut, cutAfterMs)
      await Promise.all([server, ...former].map((one) => one.stop()))
      clearTimeout(timer)
    },
  }
}

/** A port that is opened later than what needs its listener is made; until then it has nothing to renew or to stop. */
export type LateListener = Listener & {
  /** As openPort. */
  open: () => void
}

export const openLater = (app: Elysia, address: Address): LateListener => {
  let { tls } = address
  let opened: Listener | null = null
  return {
    get port() {
      return opened?.port ?? address.port
    },
    open() {
      opened = openPort(app, { ...address, tls })
    },
    renew(next) {
      opened?.renew(next)
      tls = next
    },
    stop: async (cutAfterMs) => opened?.stop(cutAfterMs),
  }
}
