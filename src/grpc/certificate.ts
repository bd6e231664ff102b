// The credentials of a server whose certificate can be changed while it runs.

import { experimental } from '@grpc/grpc-js'

/** PEM texts: the certificate with its chain, and its key. */
export type GrpcCertificate = { cert: string; key: string }

type Listener = Parameters<experimental.CertificateProvider['addIdentityCertificateListener']>[0]

const updateOf = ({ cert, key }: GrpcCertificate) => ({ certificate: Buffer.from(cert), privateKey: Buffer.from(key) })

/** `handshakeMs`: how long the handshake of TLS may take. */
export const renewableCredentials = (first: GrpcCertificate, handshakeMs: number) => {
  const listeners = new Set<Listener>()
  let current = updateOf(first)
  const provider: experimental.CertificateProvider = {
    addCaCertificateListener: () => undefined,
    removeCaCertificateListener: () => undefined,
    addIdentityCertificateListener(listener) {
      listeners.add(listener)
      // Not at once: the library asks first and adds the server that wants to hear of it afterwards.
      queueMicrotask(() => listener(current))
    },
    removeIdentityCertificateListener: (listener) => void listeners.delete(listener),
  }
  const credentials = experimental.createCertificateProviderServerCredentials(provider, null, false)
  // The library passes these on to node:tls, whose own limit of two minutes lets silent peers fill the port.
  const constructorOptions = credentials._getConstructorOptions()
  credentials._getConstructorOptions = () => ({ ...constructorOptions, handshakeTimeout: handshakeMs })
  return {
    credentials,
    /** New connections see this one. */
    renew(next: GrpcCertificate) {
      current = updateOf(next)
      listeners.forEach((listener) => listener(current))
    },
  }
}
