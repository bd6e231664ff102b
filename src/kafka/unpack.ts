// Unpacks what a codec packed, up to a bound that is known before or while it is done: nobody could stop it later.

import zlib from 'node:zlib'
import { compressionsAlgorithms } from './library.ts'

/** What a batch may unpack to. A Java client makes batches of 16 kB by default, and brokers take 1 MB. */
export const unpackedBytesMax = 134_217_728

class TooLarge extends Error {
  constructor() {
    super(`it unpacks to more than ${unpackedBytesMax} bytes`)
  }
}

const refuseTooLarge = (size: number): void => {
  if (size > unpackedBytesMax) throw new TooLarge()
}

const unzip = (unpack: () => Buffer): Buffer => {
  try {
    return unpack()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') throw new TooLarge()
    throw error
  }
}

/** The size that a block of snappy says of itself, an unsigned varint. */
const snappySize = (block: Buffer): number => {
  let size = 0
  for (let i = 0; i < 5; i++) {
    const byte = block[i] ?? 0
    size += (byte & 0x7f) * 2 ** (7 * i)
    if (byte < 0x80) return size
  }
  return Infinity
}

const xerialHeader = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const xerialStart = 16

/** The Java client writes blocks with their lengths before them, other clients one block. */
const refuseLargeSnappy = (bytes: Buffer): void => {
  if (!bytes.subarray(0, xerialHeader.length).equals(xerialHeader)) return refuseTooLarge(snappySize(bytes))
  let size = 0
  for (let from = xerialStart; from + 4 <= bytes.length; from += 4 + bytes.readUInt32BE(from)) {
    size += snappySize(bytes.subarray(from + 4))
    refuseTooLarge(size)
  }
}

/** By the code in the frame of LZ4. */
const lz4BlockBytes: Readonly<Record<number, number>> = { 4: 65_536, 5: 262_144, 6: 1_048_576, 7: 4_194_304 }
const lz4RatioMax = 255

/** The most that the blocks of a frame of LZ4 can unpack to. */
const refuseLargeLz4 = (bytes: Buffer): void => {
  if (bytes.length < 7) return
  const [flags, blocks] = [bytes[4]!, bytes[5]!]
  const blockBytes = lz4BlockBytes[(blocks >> 4) & 7] ?? lz4BlockBytes[7]!
  const hasChecksums = (flags & 0x10) !== 0
  let from = 7 + ((flags & 0x08) === 0 ? 0 : 8) + ((flags & 0x01) === 0 ? 0 : 4)
  for (let size = 0; from + 4 <= bytes.length;) {
    const word = bytes.readUInt32LE(from)
    if (word === 0) return
    const length = word & 0x7f_ff_ff_ff
    size += Math.min(blockBytes, word === length ? length * lz4RatioMax : length)
    refuseTooLarge(size)
    from += 4 + length + (hasChecksums ? 4 : 0)
  }
}

const limit = { maxOutputLength: unpackedBytesMax }

export const unpack = (codec: number, bytes: Buffer): Buffer => {
  switch (codec) {
    case 0:
      return bytes
    case 1:
      return unzip(() => zlib.gunzipSync(bytes, limit))
    case 2:
      refuseLargeSnappy(bytes)
      return Buffer.from(compressionsAlgorithms.snappy.decompressSync(bytes))
    case 3:
      refuseLargeLz4(bytes)
      return Buffer.from(compressionsAlgorithms.lz4.decompressSync(bytes))
    case 4:
      return unzip(() => zlib.zstdDecompressSync(bytes, limit))
    default:
      throw new Error(`its codec ${codec} is unknown`)
  }
}
