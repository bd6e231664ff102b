// One GET over a connection of its own, which the client may leave at any byte, and read as slowly as it likes.

import { connect } from 'node:net'
import { createHttpReader, type Head } from './httpReader.ts'

/** How a connection ended: the answer is complete; it was cut, by whomever; nobody listened; what came was no HTTP. */
export type End = { how: 'complete' | 'cut' | 'refused' } | { how: 'nonsense'; why: string }

export type Connection = {
  ended: Promise<End>
  /** Leaves at once; bytes that lie here unread count for nothing. */
  cut: () => void
  pause: () => void
  goOn: () => void
}

export type Get = {
  url: URL
  headers: Readonly<Record<string, string>>
  /** The client leaves after this many bytes; Infinity: never. */
  cutAfterBytes: number
  /** An answer that does not begin within this time is cut. */
  headLimitMs: number
  onHead: (head: Head) => void
  onBody: (bytes: Buffer) => void
}

export const get = ({ url, headers, cutAfterBytes, headLimitMs, onHead, onBody }: Get): Connection => {
  const { promise: ended, resolve } = Promise.withResolvers<End>()
  let left = cutAfterBytes
  let isOver = false
  const socket = connect({ host: url.hostname, port: Number(url.port) })
  const finish = (end: End): void => {
    if (isOver) return
    isOver = true
    clearTimeout(timer)
    socket.destroy()
    resolve(end)
  }
  const timer = setTimeout(() => finish({ how: 'cut' }), headLimitMs)
  const reader = createHttpReader({
    onHead(head) {
      clearTimeout(timer)
      onHead(head)
    },
    onBody,
    onEnd: () => finish({ how: 'complete' }),
  })
  socket.on('connect', () => {
    const lines = Object.entries({ host: url.host, connection: 'close', ...headers })
    socket.write(
      `GET ${url.pathname}${url.search} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`,
    )
  })
  socket.on('data', (bytes: Buffer) => {
    if (isOver) return
    try {
      reader.feed(bytes.subarray(0, Math.min(left, bytes.length)))
    } catch (error) {
      finish({ how: 'nonsense', why: String(error) })
    }
    left -= bytes.length
    if (left <= 0) finish({ how: 'cut' })
  })
  socket.on('error', (error) => finish({ how: 'code' in error && error.code === 'ECONNREFUSED' ? 'refused' : 'cut' }))
  socket.on('close', () => finish({ how: 'cut' }))
  return {
    ended,
    cut: () => finish({ how: 'cut' }),
    pause: () => void socket.pause(),
    goOn: () => void socket.resume(),
  }
}
