// Connections that each have one request outstanding: a request waits until one is free, which its latency then includes.

import { createResponseReader, type Answer } from './responseReader.ts'

/** `null`: no answer came, the connection was lost. */
type Exchange = { request: string; onAnswer: (answer: Answer | null) => void }

export type Connections = {
  send: (exchange: Exchange) => void
  /** Requests without an answer, waiting ones included. */
  open: () => number
  close: () => void
}

type Line = { socket: Bun.Socket; current: Exchange | null }

const dial = async (port: number, onFree: (line: Line) => void, onLost: (line: Line) => void): Promise<Line> => {
  const line: Partial<Line> & { current: Exchange | null } = { current: null }
  const answered = (answer: Answer | null): void => {
    const exchange = line.current
    line.current = null
    exchange?.onAnswer(answer)
  }
  const read = createResponseReader((answer) => {
    answered(answer)
    onFree(line as Line)
  })
  const lost = (): void => {
    answered(null)
    onLost(line as Line)
  }
  line.socket = await Bun.connect({
    hostname: '127.0.0.1',
    port,
    socket: { data: (_, bytes) => read(bytes.toString('latin1')), close: lost, error: lost },
  })
  return line as Line
}

/** `most` connections, dialled before anything is measured. */
export const openConnections = async (port: number, most: number): Promise<Connections> => {
  const waiting: Exchange[] = []
  const free: Line[] = []
  const alive = new Set<Line>()
  let closing = false
  let next = 0

  const pump = (): void => {
    while (free.length > 0 && next < waiting.length) {
      const line = free.pop()!
      line.current = waiting[next++]!
      // One request is far smaller than a socket's buffer.
      line.socket.write(line.current.request)
    }
    if (next === waiting.length) {
      waiting.length = 0
      next = 0
    }
  }
  const onFree = (line: Line): void => {
    free.push(line)
    pump()
  }
  const onLost = (line: Line): void => {
    if (!alive.delete(line) || closing) return
    const at = free.indexOf(line)
    if (at !== -1) free.splice(at, 1)
    void add()
  }
  const add = async (): Promise<void> => {
    const line = await dial(port, onFree, onLost)
    alive.add(line)
    onFree(line)
  }
  await Promise.all(Array.from({ length: most }, add))
  return {
    send(exchange) {
      waiting.push(exchange)
      pump()
    },
    open: () => waiting.length - next + [...alive].filter(({ current }) => current !== null).length,
    close() {
      closing = true
      for (const { socket } of alive) socket.terminate()
    },
  }
}
