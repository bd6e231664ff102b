// A door before a Kafka broker that knows where each request begins: "reset amid a login" is then an exact event and not a matter of timing.
// Clients that learn the broker's own address from it go there past the door.

import type { Socket } from 'node:net'
import { createDoor, type DoorOptions } from './tcpDoor.ts'

/** The kinds of requests that tests name, by the protocol's number. */
export const requests = {
  metadata: 3,
  findCoordinator: 10,
  saslHandshake: 17,
  apiVersions: 18,
  saslAuthenticate: 36,
} as const

/**
 * `reset`: both sides see the connection end without a farewell (RST), as from a process that was killed or a firewall that knows nothing of it.
 * `hold`: neither this request nor any later byte of the client passes.
 */
type Fate = 'pass' | 'reset' | 'hold'

export type BrokerDoor = AsyncDisposable & {
  readonly host: string
  readonly port: number
  /** As `host:port`. */
  readonly address: string
  /** How many clients are connected now. */
  readonly connected: () => number
  /** How many requests of this kind passed. */
  readonly passed: (request: number) => number
  /** Asked before each request is passed on. Replaces the last one. */
  before: (fate: (request: number) => Fate) => void
  /** Ends all present connections; new ones pass. */
  cut: () => void
}

/** Cuts a stream into requests, each with its length before it. */
const createFraming = () => {
  let rest: Buffer = Buffer.alloc(0)
  return (chunk: Buffer): Buffer[] => {
    rest = Buffer.concat([rest, chunk])
    const found: Buffer[] = []
    while (rest.length >= 6 && rest.length >= 4 + rest.readInt32BE(0)) {
      const end = 4 + rest.readInt32BE(0)
      found.push(rest.subarray(0, end))
      rest = rest.subarray(end)
    }
    return found
  }
}

const reset = (socket: Socket): void => void socket.resetAndDestroy()

/** An open door. */
export const openBrokerDoor = async (target: DoorOptions['target']): Promise<BrokerDoor> => {
  let fateOf: (request: number) => Fate = () => 'pass'
  const passed = new Map<number, number>()
  const door = await createDoor({
    target,
    carry({ client, server }) {
      const framing = createFraming()
      let held = false
      client.on('data', (chunk: Buffer) => {
        for (const request of framing(chunk)) {
          if (held || client.destroyed) return
          const kind = request.readInt16BE(4)
          const fate = fateOf(kind)
          if (fate === 'reset') [client, server].forEach(reset)
          held = fate !== 'pass'
          if (held) return
          passed.set(kind, (passed.get(kind) ?? 0) + 1)
          server.write(request)
        }
      })
      server.on('data', (chunk: Buffer) => client.write(chunk))
      client.on('close', () => server.destroy())
      server.on('close', () => client.destroy())
    },
  })
  await door.open()
  return {
    host: '127.0.0.1',
    port: door.port,
    address: door.address,
    connected: () => door.connections.size,
    passed: (request) => passed.get(request) ?? 0,
    before(fate) {
      fateOf = fate
    },
    cut: door.cut,
    [Symbol.asyncDispose]: door.shut,
  }
}
