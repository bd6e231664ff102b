// Finds FIX messages in what a socket brings, in chunks of any size. What BodyLength says of a garbled message is passed over whole: text
// inside of it may look like a message (data of a field does), and must never be taken for one.

import { checksumOf, decode, messageBytesMax, type Message } from './codec.ts'

/** `garbled`: bytes that are no message, to be ignored (before a logon: a reason to disconnect). */
export type Read = { kind: 'message'; message: Message } | { kind: 'garbled' }

const soh = '\u0001'
/** `10=nnn` and its SOH. */
const trailerBytes = 7
/** Of BodyLength's digits: 64 KiB has five. */
const lengthDigitsMax = 6
/** `8=`, a version, SOH, `9=`, digits, SOH. */
const headMax = 32

type Found = { kind: 'wait' } | { kind: 'skip'; bytes: number } | { kind: 'frame'; bytes: number }

/** What stands at the beginning of `bytes`, which is `8=FIX`. */
const look = (bytes: Buffer): Found => {
  const head = bytes.toString('latin1', 0, headMax)
  const parts = new RegExp(`^8=[^${soh}]*${soh}9=(\\d{1,${lengthDigitsMax}})${soh}`).exec(head)
  if (parts === null) {
    // The beginning of a head may still go on; nothing else may.
    const goesOn = new RegExp(`^8=[^${soh}]*(?:${soh}(?:9(?:=\\d{0,${lengthDigitsMax}})?)?)?$`).test(head)
    return goesOn && bytes.length < headMax ? { kind: 'wait' } : { kind: 'skip', bytes: 2 }
  }
  const end = parts[0].length + Number(parts[1])
  if (end + trailerBytes > messageBytesMax) return { kind: 'skip', bytes: parts[0].length }
  if (bytes.length < end + trailerBytes) return { kind: 'wait' }
  const trailer = bytes.toString('latin1', end, end + trailerBytes)
  if (!/^10=\d{3}/.test(trailer) || !trailer.endsWith(soh) || bytes[end - 1] !== 1) return { kind: 'skip', bytes: end }
  return trailer.slice(3, 6) === checksumOf(bytes.subarray(0, end))
    ? { kind: 'frame', bytes: end + trailerBytes }
    : { kind: 'skip', bytes: end + trailerBytes }
}

const start = Buffer.from('8=FIX', 'latin1')

/** Where a message may begin: at `8=FIX`, or at its first bytes at the very end. */
const startIn = (bytes: Buffer): number => {
  const found = bytes.indexOf(start)
  if (found >= 0) return found
  for (let length = Math.min(start.length - 1, bytes.length); length > 0; length -= 1)
    if (bytes.subarray(bytes.length - length).equals(start.subarray(0, length))) return bytes.length - length
  return bytes.length
}

/** One for each connection. It keeps at most one message (64 KiB) and the last chunk. */
export const createReader = () => {
  let rest: Buffer = Buffer.alloc(0)
  const read = (): Read[] => {
    const reads: Read[] = []
    for (;;) {
      const from = startIn(rest)
      if (from > 0) reads.push({ kind: 'garbled' })
      rest = rest.subarray(from)
      if (rest.length < start.length) return reads
      const found = look(rest)
      if (found.kind === 'wait') return reads
      const message = found.kind === 'frame' ? decode(rest.subarray(0, found.bytes)) : null
      reads.push(message === null ? { kind: 'garbled' } : { kind: 'message', message })
      rest = rest.subarray(found.bytes)
    }
  }
  return {
    /** What the chunk completes, in order. */
    push: (chunk: Uint8Array): Read[] => {
      rest = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk])
      return read()
    },
  }
}
