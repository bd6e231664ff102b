// A port of this machine in front of a server, for every proxy of the tests. Open, it connects each client to the server and leaves
// what passes between the two to the proxy; shut, nobody listens. Its port stays the same.

import { connect, createServer, type Server, type Socket } from 'node:net'
import { freePort } from '../stack/ports.ts'

export type Connection = { client: Socket; server: Socket }

export type Door = {
  port: number
  /** As `host:port`. */
  address: string
  /** The present connections. */
  connections: ReadonlySet<Connection>
  open: () => Promise<void>
  /** Ends all present connections; new ones pass. */
  cut: () => void
  /** Cuts, and refuses new connections like a server that is not there. */
  shut: () => Promise<void>
}

export type DoorOptions = {
  target: { host: string; port: number }
  /** A free port if absent: below the kernel's range for outgoing connections, one of which could take it while the door is shut. */
  port?: number
  /** Passes bytes from one side to the other, and the end of one side to the other. */
  carry: (connection: Connection) => void
}

/** A shut door. */
export const createDoor = async ({ target, port: wanted, carry }: DoorOptions): Promise<Door> => {
  const port = wanted ?? (await freePort())
  const connections = new Set<Connection>()
  let listener: Server | null = null

  const accept = (client: Socket): void => {
    const connection = { client, server: connect(target) }
    connections.add(connection)
    for (const socket of [client, connection.server]) {
      socket.setNoDelay(true)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        if (client.destroyed && connection.server.destroyed) connections.delete(connection)
      })
    }
    carry(connection)
  }
  const cut = (): void => {
    for (const { client, server } of connections) {
      client.destroy()
      server.destroy()
    }
  }
  return {
    port,
    address: `127.0.0.1:${port}`,
    connections,
    async open() {
      const opening = createServer(accept)
      listener = opening
      await new Promise<void>((resolve, reject) => {
        opening.once('error', reject)
        opening.listen(port, '127.0.0.1', resolve)
      })
    },
    cut,
    async shut() {
      const closing = listener
      listener = null
      const closed = new Promise<void>((resolve) => {
        if (closing === null) resolve()
        else closing.close(() => resolve())
      })
      cut()
      await closed
    },
  }
}
