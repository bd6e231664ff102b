// The codecs of a batch, and snappy twice: as one block (librdkafka) and in the frames of the Java client.

import { gzipSync, zstdCompressSync } from 'node:zlib'
import { compressionsAlgorithms } from '@platformatic/kafka'
import { int32 } from './bytes.ts'

export const codecs = ['none', 'gzip', 'snappy', 'snappy-java', 'lz4', 'zstd'] as const
export type Codec = (typeof codecs)[number]

const bits = { none: 0, gzip: 1, snappy: 2, 'snappy-java': 2, lz4: 3, zstd: 4 } as const satisfies Record<Codec, number>

/** The lowest three bits of a batch's attributes. */
export const codecBits = (codec: Codec): number => bits[codec]

/** The bytes that the Java client puts into one block. */
const blockBytes = 32 * 1024
const javaHeader = Buffer.concat([Buffer.from([0x82]), Buffer.from('SNAPPY\0'), int32(1), int32(1)])

const snappyBlock = (bytes: Buffer): Buffer => Buffer.from(compressionsAlgorithms.snappy.compressSync(bytes))

const javaFrames = (bytes: Buffer): Buffer[] => {
  const frames: Buffer[] = []
  for (let at = 0; at < bytes.length; at += blockBytes) {
    const block = snappyBlock(bytes.subarray(at, at + blockBytes))
    frames.push(int32(block.length), block)
  }
  return frames
}

export const compress = (codec: Codec, bytes: Buffer): Buffer => {
  switch (codec) {
    case 'none':
      return bytes
    case 'gzip':
      return gzipSync(bytes)
    case 'snappy':
      return snappyBlock(bytes)
    case 'snappy-java':
      return Buffer.concat([javaHeader, ...javaFrames(bytes)])
    case 'lz4':
      return Buffer.from(compressionsAlgorithms.lz4.compressSync(bytes))
    case 'zstd':
      return zstdCompressSync(bytes)
  }
}
