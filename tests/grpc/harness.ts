// The gRPC door in this process, over the operations of a server that the test describes: for what needs no database.

import { afterEach } from 'bun:test'
import type { CallObserver, Door } from '../../src/grpc/door.ts'
import { openGrpc, type GrpcLimits, type GrpcListener } from '../../src/grpc/server.ts'
import { createServer, type ServerOptions } from '../../src/http/server.ts'
import { serverOptions } from '../http/harness.ts'
import { openGrpcClient, type ClientOptions, type GrpcClient } from './client.ts'

const limits: GrpcLimits = {
  connectionsMax: 1_000,
  callsMax: 1_000,
  messageMaxBytes: 1_048_576,
  keepaliveMs: 60_000,
  keepaliveTimeoutMs: 20_000,
  handshakeMs: 10_000,
  untakenMs: 30_000,
  idleMs: 300_000,
  ageMs: 0,
}

type Call = Parameters<CallObserver['onEnd']>[0]
type Seen = { calls: Call[]; running: Map<string, number>; open: number; refused: number }

const createObserver = () => {
  const seen: Seen = { calls: [], running: new Map(), open: 0, refused: 0 }
  const count = (method: string, n: number): void => void seen.running.set(method, (seen.running.get(method) ?? 0) + n)
  const observe: CallObserver = {
    onStart: (method) => count(method, 1),
    onEnd(call) {
      count(call.method, -1)
      seen.calls.push(call)
    },
    onConnections: (open) => (seen.open = open),
    onConnectionRefused: () => seen.refused++,
  }
  return { seen, observe }
}

const opened: { listener: GrpcListener; clients: GrpcClient[] }[] = []
afterEach(async () => {
  for (const { listener, clients } of opened.splice(0)) {
    for (const client of clients) client.close()
    await listener.stop(0)
  }
})

type Options = {
  limits?: Partial<GrpcLimits>
  server?: Partial<ServerOptions>
  tls?: { cert: string; key: string }
  ready?: Door['ready']
}

export const openDoor = async ({ limits: changed = {}, server = {}, tls, ready = () => true }: Options = {}) => {
  const options = serverOptions(server)
  const { call } = createServer(options)
  const { seen, observe } = createObserver()
  const door: Door = { call, ready, log: options.log, observe }
  const listener = await openGrpc(door, { hostname: '127.0.0.1', port: 0, tls }, { ...limits, ...changed })
  const clients: GrpcClient[] = []
  opened.push({ listener, clients })
  return {
    listener,
    seen,
    client: (changes?: ClientOptions): GrpcClient => {
      const client = openGrpcClient(listener.port, changes)
      clients.push(client)
      return client
    },
  }
}
