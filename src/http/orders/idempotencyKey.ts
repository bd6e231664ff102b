// The header Idempotency-Key: a bare key, or a key in quotes as the IETF draft has it (draft-ietf-httpapi-idempotency-key-header). In
// quotes it is a string of RFC 8941: the key is the text inside, and `\"` and `\\` stand for `"` and `\`.

import { canonicalKey, keyForm } from '../../domain/patterns.ts'

/** The pattern of the header for the document: a bare key or a quoted one. */
export const headerKeyPattern = `^(${keyForm.sent.slice(1, -1)}|"([ !#-\\[\\]-~]|\\\\["\\\\]){1,64}")$`

export const isKey = (text: string): boolean => canonicalKey(text) !== null
const quotedKey = /^"((?:[ !#-[\]-~]|\\["\\])*)"$/

/** `former`: the key that 1.0 would have stored, quotes included, if that is a different one; otherwise null. */
export type HeaderKey = { ok: true; key: string; former: string | null } | { ok: false; detail: string }

const repeatedOrBare =
  'is given more than once; a key with a comma and a space in it is sent in quotes, or as clientOrderId'

/**
 * Reads the key. Several headers of one name arrive joined by a comma and a space, so a bare key that contains these cannot be told from
 * two keys.
 * Text that begins with a quote but is not one quoted string stands for itself, as in 1.0.
 */
export const readHeaderKey = (header: string): HeaderKey => {
  const inside = quotedKey.exec(header)?.[1]
  if (inside === undefined && header.includes(', ')) return { ok: false, detail: repeatedOrBare }
  const text = inside === undefined ? header : inside.replace(/\\(["\\])/g, '$1')
  if (!isKey(text)) return { ok: false, detail: keyForm.rule }
  return { ok: true, key: text, former: inside !== undefined && isKey(header) ? header : null }
}
