// What the decoders of inbound messages have in common. They are total: bad bytes give a named fault, never an exception.

import type { TSchema } from '@sinclair/typebox'
import type { TypeCheck } from '@sinclair/typebox/compiler'
import { canonicalUuid } from '../domain/ids.ts'
import { NumberSource, numberText, parseExactJson } from '../wire/json.ts'

/** Why a message is MALFORMED, as a text for its publisher. */
export type Malformed = { malformed: string }

export const malformed = (reason: string): Malformed => ({ malformed: reason })

/**
 * How large a message may be, its key and its value together, and how much of a message its dead letter holds, its headers too. Brokers take
 * 1 MB by default, but a compressed record can unpack to a hundred times that. A much larger one would hold up its partition for ever: a
 * statement that keeps it takes too long, and so does a request over a slow line; above 100 MiB a broker closes the connection and says nothing.
 */
export const messageBytesMax = 8_388_608

/** Null if a message is not too large to be decoded. */
export const sizeFault = ({ key, value }: { key: Uint8Array | null; value: Uint8Array | null }): Malformed | null =>
  (key?.length ?? 0) + (value?.length ?? 0) > messageBytesMax ? malformed('is larger than 8 MiB') : null

/** Anything but controls, lone surrogates, private and unassigned characters and line separators. */
export const printable = /^[^\p{Cc}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]{1,64}$/u

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** The JSON value of a message's bytes, its numbers exact. */
export const valueOf = (bytes: Uint8Array | null | undefined): { value: unknown } | Malformed => {
  if (bytes === null || bytes === undefined || bytes.length === 0) return malformed('is empty')
  try {
    return { value: parseExactJson(utf8.decode(bytes)) }
  } catch {
    return malformed('is no JSON in UTF-8')
  }
}

/** What is wrong with a value that the schema refuses. */
export const shapeFault = (check: TypeCheck<TSchema>, value: unknown): Malformed => {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof NumberSource)
    return malformed('is no JSON object')
  const fault = check.Errors(value).First()
  return malformed(`${fault?.path.slice(1) ?? 'the message'} is missing or of the wrong type`)
}

/** An order id: canonical if it is a UUID, its text otherwise, undefined if there is none. */
export const orderIdOf = (value: unknown): string | undefined | Malformed => {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'string') return canonicalUuid(value) ?? value
  const text = numberText(value)
  return text ?? malformed('an order id must be a string or null')
}

export const timestampFault = 'timestamp is no ISO-8601 instant, epoch seconds or epoch milliseconds'
