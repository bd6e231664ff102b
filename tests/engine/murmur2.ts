// The partition of a key, exactly as the Apache Kafka Java client computes it
// (org.apache.kafka.common.utils.Utils.murmur2 and toPositive), so that trades land on the partition number of their
// ticker's orders.

const SEED = 0x9747b28c
const M = 0x5bd1e995

const scramble = (word: number): number => {
  const mixed = Math.imul(word, M)
  return Math.imul(mixed ^ (mixed >>> 24), M)
}

/** Four bytes, little-endian; bytes past the end count as 0. */
const wordAt = (bytes: Uint8Array, at: number): number =>
  (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)

/** Murmur2 of the bytes as a signed 32-bit number. */
export const murmur2 = (bytes: Uint8Array): number => {
  const tail = bytes.length & ~3
  let hash = SEED ^ bytes.length
  for (let at = 0; at < tail; at += 4) hash = Math.imul(hash, M) ^ scramble(wordAt(bytes, at))
  if (tail < bytes.length) hash = Math.imul(hash ^ wordAt(bytes, tail), M)
  hash = Math.imul(hash ^ (hash >>> 13), M)
  return hash ^ (hash >>> 15)
}

/** Java's hash of the key before `% partitions`: never negative. */
export const positiveHash = (key: Uint8Array): number => murmur2(key) & 0x7fffffff

/** The partition number of this key in a topic of so many partitions. */
export const partitionOf = (key: Uint8Array, partitions: number): number => positiveHash(key) % partitions
