// Opens a connection to Postgres that is encrypted, and verified as sslmode says; if it cannot, it fails.
//
// Why the driver (3.4.9) does not do it: if the server answers that it takes no TLS, the driver begins the handshake all the same, and
// tries again without end; the error never says what to mend. Nor does the driver notice a byte in the clear after the answer, which
// somebody in between put there. tests/e2e/postgresSecurity.test.ts pins the errors. This file can go when the driver refuses in these
// cases, with an error that names them.

import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { checkServerIdentity, connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { certificateReason } from './tlsFaults.ts'

/** PEM texts. Without `ca` the publicly trusted authorities count. */
export type Certificates = { ca?: string; cert?: string; key?: string }
export type SecureAddress = { host: string; port: number; mode: 'require' | 'verify-ca' | 'verify-full' } & Certificates

/** The connection was given up, and nothing but the request for encryption was sent. The message says what to mend. */
class TlsRefused extends Error {
  override name = 'TlsRefused'
  readonly code = 'TLS_REFUSED'
}

/** Eight bytes: their count, and the code of the request. */
const sslRequest = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f])
const willing = 0x53

/** Resolves at the event, rejects when the socket fails, closes or is silent before it. */
const waitFor = (socket: Socket, event: 'data' | 'secureConnect', timeoutMs: number): Promise<unknown> => {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  const onClose = (): void => reject(Object.assign(new Error('closed by the server'), { code: 'ECONNRESET' }))
  const timer = setTimeout(
    () => reject(Object.assign(new Error(`no answer within ${timeoutMs} ms`), { code: 'CONNECT_TIMEOUT' })),
    timeoutMs,
  )
  socket.once(event, resolve).once('error', reject).once('close', onClose)
  return promise.finally(() => {
    clearTimeout(timer)
    socket.off(event, resolve).off('error', reject).off('close', onClose)
  })
}

const optionsOf = ({ host, mode, ca, cert, key }: SecureAddress, socket: Socket): ConnectionOptions => ({
  socket,
  host,
  ...(isIP(host) === 0 && { servername: host }),
  ...(ca !== undefined && { ca }),
  ...(cert !== undefined && { cert, key }),
  minVersion: 'TLSv1.2',
  rejectUnauthorized: mode !== 'require',
  // The chain is always verified; the name, which may be an address, only if sslmode demands it.
  checkServerIdentity: (_, certificate) =>
    mode === 'verify-full' ? checkServerIdentity(host, certificate) : undefined,
})

const encrypt = async (tcp: Socket, address: SecureAddress, timeoutMs: number): Promise<TLSSocket> => {
  const { host, port, mode } = address
  tcp.write(sslRequest)
  const answer = (await waitFor(tcp, 'data', timeoutMs)) as Buffer
  if (answer[0] !== willing)
    throw new TlsRefused(`the server at ${host}:${port} takes no TLS, which sslmode=${mode} asks for`)
  // Bytes in the clear after the answer can only come from somebody in between.
  if (answer.length > 1) throw new TlsRefused(`the server at ${host}:${port} answered more than it was asked`)
  const tls = connectTls(optionsOf(address, tcp))
  try {
    await waitFor(tls, 'secureConnect', timeoutMs)
    return tls
  } catch (error) {
    tls.on('error', () => undefined).destroy()
    const reason = error instanceof Error ? certificateReason(error) : null
    if (reason === null) throw error
    throw new TlsRefused(`the certificate of the server at ${host}:${port} is not accepted: ${reason}`)
  }
}

/**
 * A stream that fails with this error as soon as it is used. The driver opens a connection again if its socket fails, but it forgets
 * the connection if there is no socket at all.
 */
export const failedStream = (cause: unknown): Duplex => {
  const error = cause instanceof Error ? cause : new Error(String(cause))
  const stream = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() })
  setTimeout(() => stream.destroy(error), 0)
  return stream
}

/** For the driver's option `socket`. Never rejects. */
export const openSecureSocket = async (address: SecureAddress, timeoutMs: number): Promise<Duplex> => {
  const tcp = connectTcp(address.port, address.host)
  try {
    // A write waits for the connection, so a failure shows while we wait for the answer.
    return await encrypt(tcp, address, timeoutMs)
  } catch (error) {
    tcp.on('error', () => undefined).destroy()
    return failedStream(error)
  }
}
