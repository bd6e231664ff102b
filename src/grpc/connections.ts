// The connections of the door: a listening socket of our own, since @grpc/grpc-js does not bound how many it takes.

import { createServer, type AddressInfo, type Server as NetServer, type Socket } from 'node:net'

type Options = {
  hostname: string
  port: number
  connectionsMax: number
  /** Takes a connection that is below the bound. */
  take: (socket: Socket) => void
  /** Called with how many are open, whenever that changes. */
  onOpen: (connections: number) => void
  /** Called for each that was closed because there are as many as may be. */
  onRefused: () => void
}

export type Connections = {
  port: number
  /** Takes none any more, and resolves once all are closed. */
  close: () => Promise<void>
  /** Cuts those that are open. */
  cut: () => void
}

/** An idle peer of a network that forgets connections is noticed by the operating system too. */
const tcpKeepAliveMs = 60_000

const listening = (server: NetServer, { hostname, port }: Options): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: hostname, port }, () => {
      server.removeListener('error', reject)
      resolve((server.address() as AddressInfo).port)
    })
  })

/** Rejects if the port cannot be opened. */
export const openConnections = async (options: Options): Promise<Connections> => {
  const { connectionsMax, take, onOpen, onRefused } = options
  const open = new Set<Socket>()
  const server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: tcpKeepAliveMs }, (socket) => {
    // The library hears of errors after it took the socket; before that nobody else does.
    socket.on('error', () => undefined)
    if (open.size >= connectionsMax) {
      onRefused()
      return void socket.destroy()
    }
    open.add(socket)
    onOpen(open.size)
    socket.once('close', () => {
      open.delete(socket)
      onOpen(open.size)
    })
    take(socket)
  })
  const port = await listening(server, options)
  return {
    port,
    close: () => new Promise((resolve) => server.close(() => resolve())),
    cut: () => open.forEach((socket) => socket.destroy()),
  }
}
