// The gRPC server on its own port: orders.v1.Orders, grpc.health.v1.Health and reflection, over node:http2 in this process. This file is loaded
// only if GRPC_PORT is set.

import { experimental, Server, ServerCredentials, type UntypedHandleCall } from '@grpc/grpc-js'
import type { Door } from './door.ts'
import { createHealth } from './health.ts'
import { codecOf, type Codec } from './messages.ts'
import { unary, unaryMethods } from './orders.ts'
import { createReflection } from './reflection.ts'
import { watch } from './watch.ts'

/** PEM texts: the certificate with its chain, and its key. */
type GrpcCertificate = { cert: string; key: string }
export type GrpcListener = {
  port: number
  /** New connections see this certificate. */
  renew: (tls: GrpcCertificate) => void
  /** Accepts nothing new, and resolves once the calls under way have ended; they are cut off after `cutAfterMs`. */
  stop: (cutAfterMs: number) => Promise<void>
}

const limits = {
  /** Bytes of a message. */
  'grpc.max_receive_message_length': 1_048_576,
  /** Calls of a connection at a time. */
  'grpc.max_concurrent_streams': 1_000,
  /** A silent connection is asked whether it lives, and closed if it does not say so. */
  'grpc.keepalive_time_ms': 60_000,
  'grpc.keepalive_timeout_ms': 20_000,
} as const

type Kind = { request: boolean; response: boolean }
const oneToOne: Kind = { request: false, response: false }
const oneToMany: Kind = { request: false, response: true }
const manyToMany: Kind = { request: true, response: true }

const methodOf = (path: string, kind: Kind, [request, response]: readonly [Codec, Codec]) => ({
  path,
  requestStream: kind.request,
  responseStream: kind.response,
  requestSerialize: request.encode,
  requestDeserialize: request.decode,
  responseSerialize: response.encode,
  responseDeserialize: response.decode,
})

const addServices = (server: Server, door: Door, health: ReturnType<typeof createHealth>): void => {
  const add = (service: string, methods: Record<string, [Kind, string, string, unknown]>): void => {
    const [definitions, handlers]: [Record<string, ReturnType<typeof methodOf>>, Record<string, UntypedHandleCall>] = [
      {},
      {},
    ]
    for (const [name, [kind, request, response, handler]] of Object.entries(methods)) {
      const space = service.slice(0, service.lastIndexOf('.'))
      const codecs = [codecOf(`${space}.${request}`), codecOf(`${space}.${response}`)] as const
      definitions[name] = methodOf(`/${service}/${name}`, kind, codecs)
      handlers[name] = handler as UntypedHandleCall
    }
    server.addService(definitions, handlers)
  }
  const orderAnswers = ['Cancel', 'Get']
  add('orders.v1.Orders', {
    ...Object.fromEntries(
      unaryMethods.map((name) => {
        const answer = orderAnswers.includes(name) ? 'Order' : `${name}Response`
        return [name, [oneToOne, `${name}Request`, answer, unary(name, door)] as [Kind, string, string, unknown]]
      }),
    ),
    Watch: [oneToMany, 'WatchRequest', 'WatchResponse', watch(door)],
  })
  const healthMessages = ['HealthCheckRequest', 'HealthCheckResponse'] as const
  add('grpc.health.v1.Health', {
    Check: [oneToOne, ...healthMessages, health.check],
    Watch: [oneToMany, ...healthMessages, health.watch],
  })
  const reflect = createReflection()
  for (const version of ['v1', 'v1alpha'])
    add(`grpc.reflection.${version}.ServerReflection`, {
      ServerReflectionInfo: [manyToMany, 'ServerReflectionRequest', 'ServerReflectionResponse', reflect],
    })
}

type IdentityListener = Parameters<experimental.CertificateProvider['addIdentityCertificateListener']>[0]

/** The credentials of a server whose certificate can be changed while it runs. */
const renewable = (first: GrpcCertificate) => {
  const listeners = new Set<IdentityListener>()
  const updateOf = ({ cert, key }: GrpcCertificate) => ({
    certificate: Buffer.from(cert),
    privateKey: Buffer.from(key),
  })
  let current = updateOf(first)
  const provider: experimental.CertificateProvider = {
    addCaCertificateListener: () => undefined,
    removeCaCertificateListener: () => undefined,
    addIdentityCertificateListener(listener) {
      listeners.add(listener)
      listener(current)
    },
    removeIdentityCertificateListener: (listener) => void listeners.delete(listener),
  }
  return {
    credentials: experimental.createCertificateProviderServerCredentials(provider, null, false),
    renew(next: GrpcCertificate) {
      current = updateOf(next)
      listeners.forEach((listener) => listener(current))
    },
  }
}

type Address = { hostname: string; port: number; tls?: GrpcCertificate | undefined }

const bind = (server: Server, { hostname, port }: Address, credentials: ServerCredentials): Promise<number> => {
  const host = hostname.includes(':') ? `[${hostname}]` : hostname
  return new Promise((resolve, reject) =>
    server.bindAsync(`${host}:${port}`, credentials, (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  )
}

/** Rejects if the port cannot be opened. */
export const openGrpc = async (door: Door, address: Address): Promise<GrpcListener> => {
  const server = new Server(limits)
  const health = createHealth(door)
  addServices(server, door, health)
  const secure = address.tls === undefined ? null : renewable(address.tls)
  const port = await bind(server, address, secure?.credentials ?? ServerCredentials.createInsecure())
  return {
    port,
    renew: (tls) => secure?.renew(tls),
    stop(cutAfterMs) {
      health.stop()
      return new Promise((resolve) => {
        const timer = setTimeout(() => server.forceShutdown(), cutAfterMs)
        server.tryShutdown(() => {
          clearTimeout(timer)
          resolve()
        })
      })
    },
  }
}
