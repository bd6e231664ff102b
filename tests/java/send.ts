// Sends a request of the comparison as its bytes, so that nothing of a client stands between: no header is added or put right.

import { connect } from 'node:net'
import { usual, type ParityCase } from './parity/case.ts'

export type Received = { status: number; headers: Headers; json: Record<string, unknown> | null }

const bodyOf = ({ body, encoding }: ParityCase): Buffer | null => {
  if (body === undefined) return null
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return Buffer.from(text, encoding ?? 'utf8')
}

const chunked = (body: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n0\r\n\r\n')])

/** The headers that frame the body, by the way it goes over the wire. */
const framing = (wire: ParityCase['wire'], body: Buffer | null): Record<string, string> => {
  if (body === null) return {}
  if (wire === 'chunked') return { 'Transfer-Encoding': 'chunked' }
  return { 'Content-Length': `${body.length}`, ...(wire === 'expect' ? { Expect: '100-continue' } : {}) }
}

/** A header that is empty is left out. */
const requestOf = (asked: ParityCase, path: string): Buffer => {
  const body = bodyOf(asked)
  const headers = {
    Host: 'localhost',
    Connection: 'close',
    ...(body === null ? {} : { 'Content-Type': 'application/json' }),
    ...framing(asked.wire, body),
    ...asked.headers,
  }
  const lines = Object.entries(headers).flatMap(([name, value]) => (value === '' ? [] : [`${name}: ${value}\r\n`]))
  const version = asked.wire === '1.0' ? '1.0' : '1.1'
  const head = Buffer.from(`${asked.method} ${path} HTTP/${version}\r\n${lines.join('')}\r\n`)
  return Buffer.concat([head, body === null ? Buffer.alloc(0) : asked.wire === 'chunked' ? chunked(body) : body])
}

/** All that the server sends until it closes the connection. */
const exchange = (port: number, request: Buffer): Promise<string> => {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const pieces: Buffer[] = []
  const socket = connect(port, '127.0.0.1', () => socket.write(request))
  socket.on('data', (piece) => pieces.push(Buffer.from(piece)))
  socket.on('error', reject)
  socket.on('close', () => resolve(Buffer.concat(pieces).toString()))
  return promise
}

const headEnd = '\r\n\r\n'

const received = (text: string): Received => {
  const end = text.indexOf(headEnd)
  if (end === -1) throw new Error(`no answer: ${JSON.stringify(text)}`)
  const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n')
  const rest = text.slice(end + headEnd.length)
  const status = Number(statusLine.split(' ')[1])
  // 100 Continue goes before the answer.
  if (status < 200) return received(rest)
  const headers = new Headers(
    lines.map((line): [string, string] => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]),
  )
  const isJson = headers.get('content-type')?.includes('json') === true && rest !== ''
  return { status, headers, json: isJson ? (JSON.parse(rest) as Record<string, unknown>) : null }
}

/** Sends the request to a port of this machine. `id`: what `{id}` in its path stands for. */
export const send = async (port: number, asked: ParityCase, id: string): Promise<Received> => {
  const path = asked.path.replace('{id}', id).replace('{unknown}', '6f1c2f52-3a39-4c3e-9d44-0d7a0a6a7c99')
  return received(await exchange(port, requestOf(asked, path)))
}

/** The body of the order that a request is about. */
export const orderOf = ({ order }: ParityCase): Record<string, unknown> => ({ ...usual, ...order })
