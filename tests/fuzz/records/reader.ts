// Reads what a broker answers, in the order of its bytes.

export type Reader = {
  int16: () => number
  int32: () => number
  int64: () => bigint
  string: () => string
  /** Its length; the items follow. */
  compactArray: () => number
  compactString: () => string | null
  /** Passes over tagged fields. */
  tags: () => void
}

export const createReader = (bytes: Buffer): Reader => {
  let at = 0
  const skip = (length: number): number => (at += length) - length
  const unsignedVarint = (): number => {
    let [value, shift] = [0, 0]
    for (;;) {
      const byte = bytes.readUInt8(skip(1))
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
      shift += 7
    }
  }
  const text = (length: number): string => bytes.toString('utf8', skip(length), at)
  return {
    int16: () => bytes.readInt16BE(skip(2)),
    int32: () => bytes.readInt32BE(skip(4)),
    int64: () => bytes.readBigInt64BE(skip(8)),
    string: () => text(bytes.readInt16BE(skip(2))),
    compactArray: () => unsignedVarint() - 1,
    compactString() {
      const length = unsignedVarint() - 1
      return length < 0 ? null : text(length)
    },
    tags() {
      for (let left = unsignedVarint(); left > 0; left--) {
        unsignedVarint()
        skip(unsignedVarint())
      }
    },
  }
}
