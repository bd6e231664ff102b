// Numbers and texts as Kafka's protocol writes them: big-endian, lengths before contents, variable-length integers.

export const int8 = (n: number): Buffer => Buffer.from([n & 0xff])

export const int16 = (n: number): Buffer => {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(n)
  return bytes
}

export const int32 = (n: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(n)
  return bytes
}

export const uint32 = (n: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(n)
  return bytes
}

/** The lowest 64 bits, whatever the number. */
export const int64 = (n: bigint): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(BigInt.asIntN(64, n))
  return bytes
}

/** Seven bits a byte, the lowest first. */
export const unsignedVarint = (n: number | bigint): Buffer => {
  const bytes: number[] = []
  let left = BigInt(n)
  for (; left > 0x7fn; left >>= 7n) bytes.push(Number(left & 0x7fn) | 0x80)
  bytes.push(Number(left))
  return Buffer.from(bytes)
}

/** Zigzag: 0, -1, 1, -2 … are 0, 1, 2, 3 …. */
export const varint = (n: number | bigint): Buffer => {
  const wide = BigInt.asIntN(64, BigInt(n))
  return unsignedVarint(BigInt.asUintN(64, (wide << 1n) ^ (wide >> 63n)))
}

/** Bytes as a field of a record: the length, -1 for null, then the bytes. */
export const varBytes = (bytes: Uint8Array | null): Buffer =>
  bytes === null ? varint(-1) : Buffer.concat([varint(bytes.length), bytes])

/** A text in a request of the older kind. */
export const string = (text: string): Buffer => Buffer.concat([int16(Buffer.byteLength(text)), Buffer.from(text)])

/** A text in a request of the newer kind ("flexible"): the length plus one, 0 for null. */
export const compactBytes = (bytes: Uint8Array | null): Buffer =>
  bytes === null ? unsignedVarint(0) : Buffer.concat([unsignedVarint(bytes.length + 1), bytes])

export const compactString = (text: string | null): Buffer => compactBytes(text === null ? null : Buffer.from(text))

export const compactArray = (items: readonly Buffer[]): Buffer =>
  Buffer.concat([unsignedVarint(items.length + 1), ...items])

/** No tagged field follows. */
export const noTags = Buffer.from([0])
