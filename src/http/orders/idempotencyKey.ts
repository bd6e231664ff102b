// The header Idempotency-Key: a key as it is, or in quotes as the draft of the IETF has it (draft-ietf-httpapi-idempotency-key-header):
// a string of RFC 8941, which is the text inside, `\"` and `\\` standing for `"` and `\`.

import { canonicalKey, keyForm } from '../../domain/patterns.ts'

/** The quoted form for the document, beside the plain one. */
export const quotedKeyPattern = '^"([ !#-\\[\\]-~]|\\\\["\\\\]){1,64}"$'

export const isKey = (text: string): boolean => canonicalKey(text) !== null
const quoted = /^"((?:[ !#-[\]-~]|\\["\\])*)"$/

/** `former`: the key that 1.0 would have stored, quotes included, if it is another one; otherwise null. */
export type HeaderKey = { ok: true; key: string; former: string | null } | { ok: false; detail: string }

const twice = 'is given more than once; a key with a comma and a space in it is sent in quotes, or as clientOrderId'

/**
 * Several headers of one name arrive joined by a comma and a space, so a bare key that contains these cannot be told from two keys.
 * Text that begins with a quote but is not one quoted string stands for itself, as in 1.0.
 */
export const readHeaderKey = (header: string): HeaderKey => {
  const inside = quoted.exec(header)?.[1]
  if (inside === undefined && header.includes(', ')) return { ok: false, detail: twice }
  const text = inside === undefined ? header : inside.replace(/\\(["\\])/g, '$1')
  if (!isKey(text)) return { ok: false, detail: keyForm.rule }
  return { ok: true, key: text, former: inside !== undefined && isKey(header) ? header : null }
}
