// A TCP door in front of a server: shut, nobody listens on its port; open, bytes pass both ways. Shutting it cuts what passes;
// stalled, it takes connections and bytes and passes nothing on, as a network does that loses packets.
// For Kafka it stands before the bootstrap address only: clients then go to the address that the broker tells them.

import { connect, createServer, type Server, type Socket } from 'node:net'
import { freePort } from '../stack/ports.ts'

export type TcpProxy = AsyncDisposable & {
  port: number
  address: string
  open: () => Promise<void>
  shut: () => Promise<void>
  stall: () => void
  flow: () => void
}

export const createTcpProxy = async (target: { host: string; port: number }): Promise<TcpProxy> => {
  const port = await freePort()
  const sockets = new Set<Socket>()
  let server: Server | null = null
  let stalled = false

  const track = (socket: Socket, other: Socket): void => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => {
      sockets.delete(socket)
      other.destroy()
    })
    socket.on('data', (bytes) => void other.write(bytes))
    if (stalled) socket.pause()
  }
  const shut = async (): Promise<void> => {
    const closing = server
    server = null
    for (const socket of sockets) socket.destroy()
    if (closing !== null) await new Promise((resolve) => closing.close(resolve))
  }
  return {
    port,
    address: `127.0.0.1:${port}`,
    async open() {
      server = createServer((incoming) => {
        const outgoing = connect(target)
        track(incoming, outgoing)
        track(outgoing, incoming)
      })
      const opening = server
      await new Promise<void>((resolve, reject) => {
        opening.once('error', reject)
        opening.listen(port, '127.0.0.1', resolve)
      })
    },
    shut,
    stall() {
      stalled = true
      for (const socket of sockets) socket.pause()
    },
    flow() {
      stalled = false
      for (const socket of sockets) socket.resume()
    },
    [Symbol.asyncDispose]: shut,
  }
}
