// The bytes of one FIX message: encoding it, and taking it apart. Texts are Latin-1: one byte is one character, so lengths are exact and no byte is lost.

/** A tag and its value, in the order of the wire. */
export type Field = readonly [tag: number, value: string]

/** `type`: MsgType (35). `fields`: everything between it and CheckSum (10), in the order of the wire. */
export type Message = { begin: string; type: string; fields: readonly Field[] }

export const beginString = 'FIX.4.4'
export const messageBytesMax = 65_536

const soh = 0x01
const equals = 0x3d
const checksumModulus = 256

/** Fields of data by those that say their length in bytes: only they may contain SOH. */
const dataByLength: ReadonlyMap<number, number> = new Map([
  [90, 91],
  [93, 89],
  [95, 96],
  [212, 213],
  [348, 349],
  [350, 351],
  [352, 353],
  [354, 355],
  [356, 357],
  [358, 359],
  [360, 361],
  [362, 363],
  [364, 365],
  [445, 446],
  [618, 619],
  [621, 622],
])

/** The sum of all bytes modulo 256, in three digits. */
export const checksumOf = (bytes: Uint8Array): string => {
  let sum = 0
  for (const byte of bytes) sum += byte
  return String(sum % checksumModulus).padStart(3, '0')
}

const textOf = (fields: readonly Field[]): string => {
  let text = ''
  for (const [tag, value] of fields) text += `${tag}=${value}\u0001`
  return text
}

/** The whole message. `header`: what follows MsgType, SendingTime and the like. No value may contain SOH unless it is data. */
export const encode = (type: string, header: readonly Field[], body: readonly Field[]): Uint8Array => {
  const content = `35=${type}\u0001${textOf(header)}${textOf(body)}`
  const start = `8=${beginString}\u00019=${content.length}\u0001${content}`
  const bytes = Buffer.from(start, 'latin1')
  return Buffer.concat([bytes, Buffer.from(`10=${checksumOf(bytes)}\u0001`, 'latin1')])
}

/** Where the value that begins at `start` ends; -1: its data is not as long as was said. */
const endOfValue = (bytes: Buffer, start: number, dataBytes: number | null): number => {
  if (dataBytes === null) return bytes.indexOf(soh, start)
  const end = start + dataBytes
  return bytes[end] === soh ? end : -1
}

/** Fields of `bytes`, which end with SOH. Null: garbled. */
const fieldsOf = (bytes: Buffer): Field[] | null => {
  const fields: Field[] = []
  // The tag of the data that has to come next, and its length.
  let data: { tag: number; bytes: number } | null = null
  for (let at = 0; at < bytes.length;) {
    const middle = bytes.indexOf(equals, at)
    const name = middle < 0 ? '' : bytes.toString('latin1', at, middle)
    if (!/^-?\d{1,9}$/.test(name)) return null
    const tag = Number(name)
    const end = endOfValue(bytes, middle + 1, data?.tag === tag ? data.bytes : null)
    if (end < 0) return null
    const value = bytes.toString('latin1', middle + 1, end)
    fields.push([tag, value])
    const following = dataByLength.get(tag)
    data = following !== undefined && /^\d{1,5}$/.test(value) ? { tag: following, bytes: Number(value) } : null
    at = end + 1
  }
  return fields
}

/**
 * Takes apart a message whose BodyLength and CheckSum are right. Null: garbled (a tag that is no number, BeginString, BodyLength and MsgType
 * not first in this order, data of another length than was said).
 */
export const decode = (message: Uint8Array): Message | null => {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength)
  const fields = fieldsOf(bytes)
  if (fields === null || fields.length < 4) return null
  const [begin, length, type] = fields
  if (begin![0] !== 8 || length![0] !== 9 || type![0] !== 35 || fields.at(-1)![0] !== 10) return null
  return { begin: begin![1], type: type![1], fields: fields.slice(3, -1) }
}

/** The first value of a tag. */
export const valueOf = (fields: readonly Field[], tag: number): string | undefined => {
  for (const [candidate, value] of fields) if (candidate === tag) return value
  return undefined
}

/** `20260131-21:00:00.000`: UTC, from milliseconds. */
export const utcTimestamp = (atMs: number): string =>
  new Date(atMs).toISOString().replaceAll('-', '').replace('T', '-').slice(0, -1)

/**
 * Milliseconds of `20260131-21:00:00`, with or without a fraction; NaN: it is none. Firms send as many digits as their rules ask for, milliseconds to
 * picoseconds: the fraction is cut to milliseconds. A leap second counts as the next minute's first.
 */
export const readUtcTimestamp = (text: string): number => {
  const parts = /^(\d{4})(\d\d)(\d\d)-([01]\d|2[0-3]):([0-5]\d):([0-5]\d|60)(?:\.(\d{1,12}))?$/.exec(text)
  if (parts === null) return Number.NaN
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const date = new Date(Date.UTC(year, month - 1, day))
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return Number.NaN
  return Date.UTC(year, month - 1, day, hour, minute, second, Number((parts[7] ?? '').slice(0, 3).padEnd(3, '0')))
}
