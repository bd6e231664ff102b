// What a connection pooler does to the first packet of a session, as PgBouncer 1.18 does it: it refuses the settings that
// it does not know, or drops them if configured to (ignore_startup_parameters), and has the same code for a server that is
// away. After the first packet bytes pass both ways.

import { createDoor, type Connection } from './tcpDoor.ts'

/** `away`: the server behind it cannot be reached. `pass`: no pooler at all. */
type Behaviour = 'refuse' | 'drop' | 'away' | 'pass'
export type Pooler = AsyncDisposable & {
  /** The database's URL with the pooler's address. */
  url: string
  become: (behaviour: Behaviour) => void
}

const poolerSettings = new Set(['user', 'database', 'client_encoding', 'application_name'])

/** Length, protocol, and names and values that each end with a NUL; another NUL ends them. */
const readStartup = (packet: Buffer): [name: string, value: string][] => {
  const texts = packet.subarray(8).toString('utf8').split('\0').slice(0, -2)
  return texts.flatMap((name, at) => (at % 2 === 0 ? [[name, texts[at + 1]!] as [string, string]] : []))
}

const writeStartup = (protocol: Buffer, parameters: readonly [string, string][]): Buffer => {
  const body = Buffer.from(`${parameters.map(([name, value]) => `${name}\0${value}\0`).join('')}\0`)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(8 + body.length)
  return Buffer.concat([length, protocol, body])
}

const errorOf = (message: string): Buffer => {
  const body = Buffer.from(`SFATAL\0VFATAL\0C08P01\0M${message}\0\0`)
  const head = Buffer.from([0x45, 0, 0, 0, 0])
  head.writeUInt32BE(4 + body.length, 1)
  return Buffer.concat([head, body])
}

/** The packet to pass on, or the message of a refusal. */
const treat = (packet: Buffer, behaviour: Behaviour): { pass: Buffer } | { refuse: string } => {
  const parameters = readStartup(packet)
  const unknown = parameters.find(([name]) => !poolerSettings.has(name))
  switch (behaviour) {
    case 'away':
      return { refuse: 'pgbouncer cannot connect to server' }
    case 'refuse':
      return unknown === undefined ? { pass: packet } : { refuse: `unsupported startup parameter: ${unknown[0]}` }
    case 'drop':
      return {
        pass: writeStartup(
          packet.subarray(4, 8),
          parameters.filter(([name]) => poolerSettings.has(name)),
        ),
      }
    case 'pass':
      return { pass: packet }
  }
}

const carry = ({ client, server }: Connection, behaviour: () => Behaviour): void => {
  client.on('close', () => server.destroy())
  server.on('close', () => client.destroy())
  server.on('data', (bytes) => void client.write(bytes))

  let isOpen = false
  let first: Buffer = Buffer.alloc(0)
  client.on('data', (bytes: Buffer) => {
    if (isOpen) return void server.write(bytes)
    first = Buffer.concat([first, bytes])
    if (first.length < 8 || first.length < first.readUInt32BE(0)) return
    // A request to encrypt, the shortest of packets: refused.
    if (first.readUInt32BE(0) === 8) {
      first = first.subarray(8)
      return void client.write('N')
    }
    const outcome = treat(first, behaviour())
    if ('refuse' in outcome) return void client.end(errorOf(outcome.refuse))
    isOpen = true
    server.write(outcome.pass)
  })
}

export const startPooler = async (url: string, behaviour: Behaviour): Promise<Pooler> => {
  const own = new URL(url)
  let present = behaviour
  const door = await createDoor({
    target: { host: own.hostname, port: Number(own.port) },
    carry: (connection) => carry(connection, () => present),
  })
  await door.open()
  own.port = String(door.port)
  return {
    url: own.href,
    become(next) {
      present = next
    },
    [Symbol.asyncDispose]: door.shut,
  }
}
