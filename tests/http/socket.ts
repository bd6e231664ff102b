// Sends bytes to a port of this machine and reads the bytes that come back, for requests that no well-behaved client sends.

import { connect } from 'node:net'
import { until } from '../support/until.ts'
import { readAnswer, type Answer } from './harness.ts'

export type RawSocket = {
  /** The first answer, as soon as it is whole. */
  answer: () => Promise<string>
  /** Resolves once this has come. */
  heard: (part: string) => Promise<void>
  send: (bytes: string | Uint8Array) => void
  close: () => Promise<void>
}

const headersEnd = '\r\n\r\n'

const isWhole = (text: string): boolean => {
  const end = text.indexOf(headersEnd)
  if (end === -1) return false
  const length = /^content-length: (\d+)/im.exec(text.slice(0, end))?.[1]
  return length !== undefined && Buffer.byteLength(text.slice(end + headersEnd.length)) >= Number(length)
}

/** Connects and sends `bytes`. */
export const openSocket = (port: number, bytes: string): RawSocket => {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const { promise: closed, resolve: onClosed } = Promise.withResolvers<void>()
  let text = ''
  const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
  socket.on('data', (data) => {
    text += data.toString()
    if (isWhole(text)) resolve(text)
  })
  socket.on('error', reject)
  socket.on('close', () => {
    reject(new Error(`closed after: ${text}`))
    onClosed()
  })
  promise.catch(() => undefined)
  return {
    async answer() {
      try {
        return await promise
      } finally {
        socket.destroy()
      }
    },
    async heard(part) {
      await until(() => text.includes(part), { what: `"${part}" has come` })
    },
    send: (bytes) => void socket.write(bytes),
    async close() {
      socket.destroy()
      await closed
    },
  }
}

/** An answer from its bytes. */
export const parseRaw = (raw: string): Promise<Answer> => {
  const end = raw.indexOf(headersEnd)
  const [statusLine = '', ...lines] = raw.slice(0, end).split('\r\n')
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon), line.slice(colon + 1).trim()]
  })
  const text = raw.slice(end + headersEnd.length)
  return readAnswer(new Response(text, { status: Number(statusLine.split(' ')[1]), headers }))
}
