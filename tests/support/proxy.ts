// A TCP proxy in front of Postgres that loses, delays or refuses on command what a real network loses, delays or refuses by
// accident. It reads just enough of the protocol to know which statement a connection is about to run and when its transaction
// has ended, so "the answer was lost after the commit" is an exact event and not a matter of timing.

import { connect, createServer, type Socket } from 'node:net'
import { freePort } from '../stack/ports.ts'

export type Proxy = {
  /** The database's URL with the proxy's address. */
  url: string
  /** Awaited before each statement is passed on; gets its text. Replaces the last one. */
  before: (hook: (statement: string) => Promise<void> | void) => void
  /** The next statement whose text contains `part` runs to its end, but its answer and its connection are lost. */
  loseAnswer: (part: string) => void
  /** Nothing passes on the present connections any more, and nobody is told; new connections are well. */
  stall: () => void
  /** Ends all present connections. */
  cut: () => void
  /** Ends all connections and refuses new ones, as a server that is not there. */
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
type Pair = { client: Socket; server: Socket; stalled: boolean }

const join = (pair: Pair, plan: Plan): void => {
  const { client, server } = pair
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
    if (!pair.stalled) server.write(bytes)
  }

  client.on('data', (chunk: Buffer) => {
    for (const part of fromClient(chunk)) passing = passing.then(() => pass(part))
  })
  server.on('data', (chunk: Buffer) => {
    for (const { message, bytes } of fromServer(chunk)) {
      // ReadyForQuery: the transaction has ended, whatever became of it.
      if (losing && message.type === 'Z') client.destroy()
      else if (!losing && !pair.stalled) client.write(bytes)
    }
  })
}

/** Starts a proxy to the server of `url`, on a port of its own. */
export const startProxy = async (url: string): Promise<Proxy> => {
  const target = new URL(url)
  const plan: Plan = { hook: () => undefined, lose: null }
  const pairs = new Set<Pair>()

  const server = createServer((client) => {
    const pair = { client, server: connect(Number(target.port || 5432), target.hostname), stalled: false }
    pairs.add(pair)
    for (const [socket, other] of [
      [pair.client, pair.server],
      [pair.server, pair.client],
    ] as const) {
      socket.setNoDelay(true)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        if (!pair.stalled) other.destroy()
        if (other.destroyed) pairs.delete(pair)
      })
    }
    join(pair, plan)
  })
  const listen = (port: number): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, '127.0.0.1', () => resolve())
    })
  const cut = (): void => {
    for (const pair of pairs) {
      pair.client.destroy()
      pair.server.destroy()
    }
  }

  // Not one of those that the kernel gives to outgoing connections: somebody's could stand there when it is to be opened again.
  const port = await freePort()
  await listen(port)
  const own = new URL(url)
  own.host = `127.0.0.1:${port}`

  const refuse = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    cut()
    await closed
  }
  return {
    url: own.href,
    before(hook) {
      plan.hook = hook
    },
    loseAnswer(part) {
      plan.lose = part
    },
    stall() {
      for (const pair of pairs) pair.stalled = true
    },
    cut,
    refuse,
    accept: () => listen(port),
    async stop() {
      if (server.listening) await refuse()
    },
  }
}
