// Connections of bad clients: they send nothing, send slowly, send without end, or read nothing.

import type { Socket } from 'bun'

export type Connection = {
  socket: Socket
  received: () => string
  isOpen: () => boolean
  /** Resolves with the bytes so far once there are some, or once the other side hung up. */
  answer: Promise<string>
}

export const open = async (port: number): Promise<Connection> => {
  const { promise: answer, resolve } = Promise.withResolvers<string>()
  const chunks: string[] = []
  let isOpen = true
  const received = (): string => chunks.join('')
  const over = (): void => {
    isOpen = false
    resolve(received())
  }
  const socket = await Bun.connect({
    hostname: '127.0.0.1',
    port,
    socket: {
      data(_, chunk) {
        chunks.push(chunk.toString('latin1'))
        resolve(received())
      },
      close: over,
      error: over,
      end: over,
    },
  })
  return { socket, received, isOpen: () => isOpen, answer }
}

const dialledAtOnce = 100

export const openMany = async (port: number, count: number): Promise<Connection[]> => {
  const connections: Connection[] = []
  while (connections.length < count)
    connections.push(
      ...(await Promise.all(
        Array.from({ length: Math.min(dialledAtOnce, count - connections.length) }, () => open(port)),
      )),
    )
  return connections
}

export const closeAll = (connections: readonly Connection[]): void =>
  connections.forEach(({ socket }) => socket.terminate())

/** Sends one byte at a time until an answer begins or `isOver`. */
export const drip = async ({ socket, received, isOpen }: Connection, text: string, everyMs: number): Promise<void> => {
  for (const char of text) {
    if (!isOpen() || received() !== '') return
    socket.write(char)
    await Bun.sleep(everyMs)
  }
}

const pause = (): Promise<void> => Bun.sleep(1)

type Flood = { part: Uint8Array; isEnough: (sentBytes: number) => boolean }

/** Sends `part` again and again until it is enough or the other side hangs up; answers how many bytes were sent. */
export const flood = async ({ socket, isOpen }: Connection, { part, isEnough }: Flood): Promise<number> => {
  let [sent, rest] = [0, part]
  while (!isEnough(sent) && isOpen()) {
    const written = Math.max(0, socket.write(rest))
    sent += written
    rest = written < rest.length ? rest.subarray(written) : part
    if (written === 0) await pause()
    else if (written < part.length) await Bun.sleep(0)
  }
  return sent
}

export const statusesIn = (text: string): number[] =>
  [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status))
