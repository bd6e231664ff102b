// Reads a JSON body as text, within a limit of bytes and of time.

import { isUtf8 } from 'node:buffer'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { within } from './deadline.ts'
import { problem, type Problem } from './problem.ts'

export type Body = { ok: true; text: string } | { ok: false; problem: Problem }

export type BodyLimits = { bytesMax: number; deadlineMs: number }

/** JSON, or a media type with the suffix `+json` (RFC 6839), such as application/vnd.orders+json. */
const jsonType = /^application\/(?:[\w!#$%&'*+.^`|~-]+\+)?json\s*(;|$)/i

/** Whether a Content-Encoding, which may list several codings, names any other than `identity`. */
const hasCoding = (codings: string): boolean =>
  codings.split(',').some((coding) => !['', 'identity'].includes(coding.trim().toLowerCase()))

const acceptsJson = { accept: 'application/json' }

const notJson = (): Body => ({
  ok: false,
  problem: problem('UNSUPPORTED_MEDIA_TYPE', 'send the body as content-type: application/json', {
    headers: acceptsJson,
  }),
})

/** RFC 9110, 12.5.3: Accept-Encoding says that the coding is refused, not the type. */
const unsupportedCoding = (): Body => ({
  ok: false,
  problem: problem('UNSUPPORTED_MEDIA_TYPE', 'send the body as it is: no content-encoding but identity is read here', {
    headers: { ...acceptsJson, 'accept-encoding': 'identity' },
  }),
})

const tooLarge = (bytesMax: number): Body => ({
  ok: false,
  problem: problem('PAYLOAD_TOO_LARGE', `the body must not be larger than ${bytesMax} bytes`, {
    headers: { connection: 'close' },
  }),
})

const tooSlow = (deadlineMs: number): Body => ({
  ok: false,
  problem: problem('BAD_REQUEST', `the body did not arrive within ${deadlineMs} ms`, {
    title: 'Invalid request',
    headers: { connection: 'close' },
  }),
})

/** The client hung up half-way. Nobody reads this answer, and the failure is not ours. */
const cutOff = (): Body => ({
  ok: false,
  problem: problem('BAD_REQUEST', 'the body ended before it was whole', { title: 'Invalid request' }),
})

/** JSON is UTF-8 (RFC 8259, 8.1). A decoder would mend the text, and then another text was stored than the client sent. */
const notUtf8 = (): Body => ({
  ok: false,
  problem: problem('BAD_REQUEST', 'the body is not UTF-8: send it in that encoding', { title: 'Invalid request' }),
})

/**
 * Reads a body of undeclared length. Returns null as soon as it passes the limit. The runtime's server hands over the last chunk before it
 * reads what follows, and answers `400` by itself and hangs up if these are trailer fields, which it does not know: then the body fails,
 * because what is refused must not be stored.
 */
const readChunks = async (
  stream: ReadableStream<Uint8Array>,
  { signal }: Request,
  bytesMax: number,
): Promise<Uint8Array | null> => {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of stream) {
    bytes += chunk.length
    if (bytes > bytesMax) return null
    chunks.push(chunk)
  }
  await nextTurn()
  signal.throwIfAborted()
  return Buffer.concat(chunks)
}

/** Leaves out a byte order mark. */
const decoder = new TextDecoder()

/** The text of a JSON body, or the problem to answer with. It checks type, coding and declared length before it reads a byte. */
export const readBody = async (request: Request, { bytesMax, deadlineMs }: BodyLimits): Promise<Body> => {
  if (!jsonType.test(request.headers.get('content-type') ?? '')) return notJson()
  const codings = request.headers.get('content-encoding')
  if (codings !== null && hasCoding(codings)) return unsupportedCoding()
  const declared = request.headers.get('content-length')
  if (declared !== null && Number(declared) > bytesMax) return tooLarge(bytesMax)
  const reading =
    declared !== null || request.body === null ? request.bytes() : readChunks(request.body, request, bytesMax)
  const read = await within(deadlineMs, reading)
  if (read === 'late') return tooSlow(deadlineMs)
  if (read === 'failed') return cutOff()
  if (read.value === null) return tooLarge(bytesMax)
  return isUtf8(read.value) ? { ok: true, text: decoder.decode(read.value) } : notUtf8()
}
