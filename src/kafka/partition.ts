// The hash by which Kafka's Java client chooses a partition, so that our topics co-partition with the engine's. Checked
// against the vectors of Apache Kafka's own UtilsTest.

const m = 0x5bd1e995
const seed = 0x9747b28c

const mix = (k: number): number => {
  const mixed = Math.imul(k, m)
  return Math.imul(mixed ^ (mixed >>> 24), m)
}

/** murmur2 of `bytes`, as a signed 32-bit number. */
export const murmur2 = (bytes: Uint8Array): number => {
  const { length } = bytes
  let h = seed ^ length
  let i = 0
  for (; i + 4 <= length; i += 4) {
    const word = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24)
    h = Math.imul(h, m) ^ mix(word)
  }
  for (let rest = length - i; rest > 0; rest--) h ^= bytes[i + rest - 1]! << (8 * (rest - 1))
  if (i < length) h = Math.imul(h, m)
  h = Math.imul(h ^ (h >>> 13), m)
  return h ^ (h >>> 15)
}

/** The hash made positive, as Java's default partitioner does before it takes the remainder: 0 to 2^31 − 1. */
export const keyHash = (bytes: Uint8Array): number => murmur2(bytes) & 0x7fffffff

/** The partition that the Java client chooses for this key among so many. */
export const partitionOf = (key: string, partitions: number): number => keyHash(Buffer.from(key)) % partitions
