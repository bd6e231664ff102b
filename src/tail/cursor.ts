// A cursor: a place in the log as text that clients keep. It means the same to every replica, for streams and for polling, and to clients
// nothing at all.

import { cursorLengthMax } from '../app/follow.ts'
import type { LogKey, Place } from '../store/log.ts'
import type { Snapshot } from '../store/snapshot.ts'

export type Cursor = { place: Place; issuedAtMs: number }

const formatVersion = '1'

const digits = (value: bigint | number): string => value.toString(36)

const snapshotText = ({ xmax, xip }: Snapshot): string =>
  [xmax, ...xip.map((xact) => xmax - xact)].map(digits).join('.')

const witnessText = ({ xact, position, version, orderId }: LogKey): string =>
  `${digits(xact)}.${digits(position)}.${digits(version)}.${orderId.replaceAll('-', '')}`

/** All of a cursor but the position within a page, which is different for each event of one read. */
const stem = ({ epoch, snapshot, witness }: Place, issuedAtMs: number): string =>
  [
    formatVersion,
    digits(epoch),
    digits(issuedAtMs),
    snapshotText(snapshot),
    witness === null ? '' : witnessText(witness),
  ].join('/')

const encodeText = (text: string): string => Buffer.from(text, 'latin1').toString('base64url')

export const encodeCursor = (place: Place, issuedAtMs: number): string => {
  const { page } = place
  return encodeText(
    `${stem(place, issuedAtMs)}/${page === null ? '' : `${snapshotText(page.end)}/${digits(page.after)}`}`,
  )
}

/** The cursors of places that differ in `page.after` alone. */
export const pageCursors = (place: Place, end: Snapshot, issuedAtMs: number): ((after: bigint) => string) => {
  const common = `${stem(place, issuedAtMs)}/${snapshotText(end)}/`
  return (after) => encodeText(`${common}${digits(after)}`)
}

const numberForm = /^[0-9a-z]{1,13}$/

const bigintOf = (text: string | undefined): bigint | null => {
  if (text === undefined || !numberForm.test(text)) return null
  let value = 0n
  for (const digit of text) value = value * 36n + BigInt(Number.parseInt(digit, 36))
  return value < 2n ** 63n ? value : null
}

const numberOf = (text: string | undefined, max: number): number | null => {
  const value = bigintOf(text)
  return value === null || value > BigInt(max) ? null : Number(value)
}

/** Transactions have ids from 1 on: Postgres takes no snapshot with another. */
const snapshotOf = (text: string | undefined): Snapshot | null => {
  const [xmax, ...distances] = (text ?? '').split('.').map(bigintOf)
  if (xmax === undefined || xmax === null || xmax < 1n) return null
  const xip: bigint[] = []
  for (const distance of distances) {
    if (distance === null || distance < 1n || distance >= xmax) return null
    const xact = xmax - distance
    if (xip.length > 0 && xact <= xip.at(-1)!) return null
    xip.push(xact)
  }
  return { xmax, xip }
}

const hexId = /^([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/

const witnessOf = (text: string): LogKey | null => {
  const [xactText, positionText, versionText, id = '', ...more] = text.split('.')
  const [xact, position, version] = [bigintOf(xactText), bigintOf(positionText), numberOf(versionText, 2 ** 31 - 1)]
  if (xact === null || position === null || version === null || !hexId.test(id) || more.length > 0) return null
  return { xact, position, version, orderId: id.replace(hexId, '$1-$2-$3-$4-$5') }
}

/** Undefined: these fields are no page. */
const pageOf = (fields: readonly string[]): Place['page'] | undefined => {
  if (fields.length === 1 && fields[0] === '') return null
  const [end, after] = [snapshotOf(fields[0]), bigintOf(fields[1])]
  return fields.length !== 2 || end === null || after === null ? undefined : { end, after }
}

/** Null: the text is no cursor of ours. */
export const decodeCursor = (text: string): Cursor | null => {
  if (text.length > cursorLengthMax || !/^[\w-]+$/.test(text)) return null
  const [form, epochText, issuedText, seen, witnessField, ...rest] = Buffer.from(text, 'base64url')
    .toString('latin1')
    .split('/')
  const epoch = numberOf(epochText, 2 ** 31 - 1)
  const issuedAtMs = numberOf(issuedText, Number.MAX_SAFE_INTEGER)
  const snapshot = snapshotOf(seen)
  const page = pageOf(rest)
  if (form !== formatVersion || epoch === null || issuedAtMs === null || snapshot === null || page === undefined)
    return null
  const witness = witnessField === '' || witnessField === undefined ? null : witnessOf(witnessField)
  if (witness === null && witnessField !== '') return null
  return { place: { epoch, snapshot, witness, page }, issuedAtMs }
}
