// A TCP proxy in front of Postgres that loses, delays or refuses on command what a real network loses, delays or refuses by
// accident. It reads just enough of the protocol to know which statement a connection is about to run and when its transaction
// has ended, so "the answer was lost after the commit" is an exact event and not a matter of timing.

import { createDoor, type Connection } from './tcpDoor.ts'

export type Proxy = {
  /** The database's URL with the proxy's address. */
  url: string
  /** Awaited before each statement is passed on; gets its text. Replaces the last one. */
  before: (hook: (statement: string) => Promise<void> | void) => void
  /** The next statement whose text contains `part` runs to its end, but its answer and its connection are lost. */
  loseAnswer: (part: string) => void
  /** The present connections carry nothing any more, not even their end; new connections pass. */
  stall: () => void
  /** Ends all present connections. */
  cut: () => void
  /** Ends all connections and refuses new ones, like a server that is not there. */
  refuse: () => Promise<void>
  accept: () => Promise<void>
  stop: () => Promise<void>
}

type Message = { type: string; body: Buffer }

/** Cuts a stream into messages: one byte of type, four of length, and the body. A client's first message has no type. */
const createFraming = (typeless: boolean) => {
  let rest: Buffer = Buffer.alloc(0)
  let first = typeless
  return (chunk: Buffer): { message: Message; bytes: Buffer }[] => {
    rest = Buffer.concat([rest, chunk])
    const messages: { message: Message; bytes: Buffer }[] = []
    for (;;) {
      const typeLength = first ? 0 : 1
      if (rest.length < typeLength + 4) return messages
      const length = typeLength + rest.readUInt32BE(typeLength)
      if (rest.length < length) return messages
      const bytes = rest.subarray(0, length)
      messages.push({
        message: { type: first ? '' : String.fromCharCode(bytes[0]!), body: bytes.subarray(typeLength + 4) },
        bytes,
      })
      rest = rest.subarray(length)
      first = false
    }
  }
}

/** The zero-terminated texts at the start of a message. */
const texts = (body: Buffer): string[] => body.toString('utf8').split('\0', 2)

type Plan = { hook: (statement: string) => Promise<void> | void; lose: string | null }

const carry = ({ client, server }: Connection, plan: Plan, isStalled: () => boolean): void => {
  const statements = new Map<string, string>()
  const fromClient = createFraming(true)
  const fromServer = createFraming(false)
  let losing = false
  let passing = Promise.resolve()

  /** The statement that a message is about to run, or null for any other message. */
  const statementOf = ({ type, body }: Message): string | null => {
    if (type === 'P') {
      const [name = '', text = ''] = texts(body)
      statements.set(name, text)
    }
    if (type === 'B') return statements.get(texts(body)[1] ?? '') ?? ''
    return type === 'Q' ? texts(body)[0]! : null
  }

  const pass = async ({ message, bytes }: { message: Message; bytes: Buffer }): Promise<void> => {
    const statement = statementOf(message)
    if (statement !== null) {
      await plan.hook(statement)
      if (plan.lose !== null && statement.includes(plan.lose)) {
        plan.lose = null
        losing = true
      }
    }
    if (!isStalled()) server.write(bytes)
  }

  client.on('data', (chunk: Buffer) => {
    for (const part of fromClient(chunk)) passing = passing.then(() => pass(part))
  })
  server.on('data', (chunk: Buffer) => {
    for (const { message, bytes } of fromServer(chunk)) {
      // ReadyForQuery: the transaction has ended, in a commit or a rollback.
      if (losing && message.type === 'Z') client.destroy()
      else if (!losing && !isStalled()) client.write(bytes)
    }
  })
  client.on('close', () => !isStalled() && server.destroy())
  server.on('close', () => !isStalled() && client.destroy())
}

/** Starts a proxy to the server of `url`, on a port of its own. */
export const startProxy = async (url: string): Promise<Proxy> => {
  const { hostname, port } = new URL(url)
  const plan: Plan = { hook: () => undefined, lose: null }
  const stalled = new WeakSet<Connection>()
  const door = await createDoor({
    target: { host: hostname, port: Number(port || 5432) },
    carry: (connection) => carry(connection, plan, () => stalled.has(connection)),
  })
  await door.open()
  const own = new URL(url)
  own.host = door.address
  return {
    url: own.href,
    before(hook) {
      plan.hook = hook
    },
    loseAnswer(part) {
      plan.lose = part
    },
    stall() {
      for (const connection of door.connections) stalled.add(connection)
    },
    cut: door.cut,
    refuse: door.shut,
    accept: door.open,
    stop: door.shut,
  }
}
