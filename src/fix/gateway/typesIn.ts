// The types of the messages in bytes that this service encoded, for the counters.

const soh = 1
const equals = 0x3d
const zero = 0x30
/** `8=FIX.4.4` and its SOH, then `9=`. */
const lengthAt = 12
/** `35=` stands behind the SOH of BodyLength. */
const typeOffset = 3
/** `10=nnn` and its SOH. */
const trailerBytes = 7

/** One message or several, each whole. Bytes of another form end the list. */
export const typesIn = (bytes: Uint8Array): string[] => {
  const types: string[] = []
  for (let at = 0; at + lengthAt < bytes.length;) {
    let end = at + lengthAt
    let length = 0
    for (; end < bytes.length && bytes[end] !== soh; end++) length = length * 10 + bytes[end]! - zero
    const body = end + 1
    if (bytes[at + lengthAt - 1] !== equals || bytes[body + typeOffset - 1] !== equals) return types
    const from = body + typeOffset
    const to = bytes.indexOf(soh, from)
    if (to < 0 || !Number.isSafeInteger(length)) return types
    types.push(Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('latin1'))
    at = body + length + trailerBytes
  }
  return types
}
