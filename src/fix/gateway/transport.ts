// The port of the FIX door: sockets with and without TLS, and how many there may be. This file is loaded only if FIX_PORT is set.

import type { Socket } from 'bun'
import { sleep } from '../../app/sleep.ts'
import type { Log } from '../../telemetry/log.ts'
import {
  connectionTimes,
  openConnection,
  type Connection,
  type ConnectionLimits,
  type FixObserver,
} from './connection.ts'
import type { Gateway } from './types.ts'

/** PEM texts: the certificate with its chain, and its key. */
type FixCertificate = { cert: string; key: string }

/** `clientCa`: who issues certificates of clients, in PEM; null: clients are asked for none. */
export type FixTls = FixCertificate & { clientCa: string | null }

export type FixAddress = { hostname: string; port: number; tls: FixTls | null }

type FixLimits = {
  /** Connections at a time, in all and from one address, those before their logon among them. */
  connections: number
  connectionsPerAddress: number
  /** What a client may leave unread. */
  unsentBytes: number
}

export type TransportOptions = {
  gateway: Pick<Gateway, 'open' | 'stop'>
  /** Whether connections are taken now: neither while the service starts nor while it stops. */
  ready: () => boolean
  limits: FixLimits
  /** Of each connection; absent: the usual ones. */
  times?: Omit<ConnectionLimits, 'unsentBytes'>
  observer: FixObserver
  log: Log
  now: () => number
}

export type FixTransportState = { connections: number; unsentBytes: number }

export type FixListener = {
  port: number
  /** New connections see this certificate. Throws if it cannot be used; then the former one stays. */
  renew: (tls: FixCertificate) => void
  /** Accepts nothing new, logs every client out, and resolves once that is done; what lasts longer than `cutAfterMs` is cut off. */
  stop: (cutAfterMs: number) => Promise<void>
  state: () => FixTransportState
}

const tickMs = 200
/** For the handshake of TLS: nobody is in conversation before it. */
const handshakeMs = 10_000

/** `connection`: null before the handshake of TLS, and if the socket was not let in. */
type Entry = { connection: Connection | null; address: string; since: number; isIn: boolean }
type Client = Socket<Entry>

/** Who is connected, and how many from each address. */
const createCrowd = ({ connections, connectionsPerAddress }: FixLimits) => {
  const clients = new Set<Client>()
  const counts = new Map<string, number>()
  return {
    clients,
    hasRoom: (address: string): boolean =>
      clients.size < connections && (counts.get(address) ?? 0) < connectionsPerAddress,
    add(client: Client): void {
      const { address } = client.data
      client.data.isIn = true
      clients.add(client)
      counts.set(address, (counts.get(address) ?? 0) + 1)
    },
    remove(client: Client): void {
      if (!clients.delete(client)) return
      const { address } = client.data
      const left = (counts.get(address) ?? 1) - 1
      if (left > 0) counts.set(address, left)
      else counts.delete(address)
    },
  }
}

/** `name`: that of the client's certificate; null: it shows none. Not sound: it shows one that nobody vouches for. */
const certificateOf = (client: Client): { isSound: boolean; name: string | null } => {
  const subject = (client.getPeerCertificate() as { subject?: { CN?: unknown } } | null)?.subject
  if (subject === undefined) return { isSound: true, name: null }
  return { isSound: client.authorized, name: typeof subject.CN === 'string' ? subject.CN : null }
}

const noCertificate = { isSound: true, name: null }

const createHandlers = (options: TransportOptions, hasTls: boolean) => {
  const { gateway, ready, limits, times = connectionTimes, observer, log, now } = options
  const crowd = createCrowd(limits)

  const refuse = (client: Client, reason: string): void => {
    observer.onEnd(reason)
    log.rarely('warn', `fix:${reason}`, 'a FIX connection was refused', { address: client.data.address, reason })
    client.terminate()
  }
  const begin = (client: Client): void => {
    const certificate = hasTls ? certificateOf(client) : noCertificate
    if (!certificate.isSound) return refuse(client, 'CERTIFICATE')
    client.setNoDelay(true)
    client.data.connection = openConnection({
      line: client,
      address: client.data.address,
      certificate: certificate.name,
      limits: { ...times, unsentBytes: limits.unsentBytes },
      gateway,
      observer,
      log,
      now,
    })
  }
  const handlers = {
    open(client: Client): void {
      client.data = { connection: null, address: client.remoteAddress, since: now(), isIn: false }
      if (!ready()) return refuse(client, 'NOT_READY')
      if (!crowd.hasRoom(client.data.address)) return refuse(client, 'TOO_MANY')
      crowd.add(client)
      if (!hasTls) begin(client)
    },
    ...(hasTls && {
      handshake(client: Client, success: boolean): void {
        if (!client.data.isIn) return
        if (success) begin(client)
        else refuse(client, 'HANDSHAKE')
      },
    }),
    data: (client: Client, chunk: Uint8Array): void => client.data.connection?.received(chunk),
    drain: (client: Client): void => client.data.connection?.drained(),
    /** A close follows. */
    error: (): void => undefined,
    close(client: Client): void {
      crowd.remove(client)
      client.data?.connection?.gone()
    },
  }
  const tick = (): void => {
    for (const client of crowd.clients) {
      const { connection, since } = client.data
      if (connection !== null) connection.tick()
      else if (now() - since >= handshakeMs) refuse(client, 'HANDSHAKE')
    }
  }
  return { handlers, tick, clients: crowd.clients }
}

type Handlers = ReturnType<typeof createHandlers>['handlers']

/** Bun's types do not know `reusePort`, which its listener does. */
const bind = (socket: Handlers, { hostname, port, tls }: FixAddress, reusePort: boolean) => {
  const secure = tls && {
    tls: {
      cert: tls.cert,
      key: tls.key,
      // Sessions that need a certificate are closed at their logon; the others need none.
      ...(tls.clientCa !== null && { ca: tls.clientCa, requestCert: true, rejectUnauthorized: false }),
    },
  }
  const options = { hostname, port, reusePort, socket, ...secure }
  return Bun.listen<Entry>(options)
}

/**
 * Listens (port 0: any free port). Throws if another process has the port. Bun cannot change the certificate of a listening socket, so with TLS two
 * share the port for a moment; the first one makes sure that no other process has it.
 */
export const openFix = (options: TransportOptions, address: FixAddress): FixListener => {
  const { handlers, tick, clients } = createHandlers(options, address.tls !== null)
  let { tls } = address
  let listener = bind(handlers, address, false)
  const { port } = listener
  if (tls !== null) {
    listener.stop(true)
    listener = bind(handlers, { ...address, port }, true)
  }
  const timer = setInterval(tick, tickMs)
  return {
    port,
    renew(next) {
      if (tls === null) return
      const renewed = { ...tls, ...next }
      const former = listener
      listener = bind(handlers, { ...address, port, tls: renewed }, true)
      tls = renewed
      former.stop(false)
    },
    async stop(cutAfterMs) {
      listener.stop(false)
      const late = setTimeout(() => clients.forEach(({ data }) => data.connection?.cut('SHUTDOWN')), cutAfterMs)
      await options.gateway.stop()
      // Whoever was in no session; the others are closed, and may still have to take their logout.
      for (const client of clients)
        if (client.data.connection === null) client.terminate()
        else client.data.connection.close('SHUTDOWN')
      while (clients.size > 0) await sleep(tickMs / 4)
      clearTimeout(late)
      clearInterval(timer)
    },
    state: () => ({
      connections: clients.size,
      unsentBytes: [...clients].reduce((sum, { data }) => sum + (data.connection?.unsent() ?? 0), 0),
    }),
  }
}
