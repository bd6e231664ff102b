// The header Idempotency-Key: a key as it is, or in quotes as the draft of the IETF has it (draft-ietf-httpapi-idempotency-key-header):
// a string of RFC 8941, which is the text inside, `\"` and `\\` standing for `"` and `\`.

import { canonicalKey, keyForm } from '../../domain/patterns.ts'

/** As the document has it, beside the plain form. */
export const quotedKeyPattern = '^"([ !#-\\[\\]-~]|\\\\["\\\\]){1,64}"$'

export const isKey = (text: string): boolean => canonicalKey(text) !== null
const quoted = /^"((?:[ !#-[\]-~]|\\["\\])*)"$/

/** `former`: what 1.0 took for the key where it is another one, the quotes included. */
export type HeaderKey = { ok: true; key: string; former: string | null } | { ok: false; detail: string }

const twice = 'is given more than once; a key with a comma and a space in it is sent in quotes, or as clientOrderId'

/**
 * Several headers of one name arrive joined by a comma and a space, so a bare key that has both cannot be told from two keys. What
 * begins with a quote and is no string as a whole stands for itself, as in 1.0.
 */
export const readHeaderKey = (header: string): HeaderKey => {
  const inside = quoted.exec(header)?.[1]
  if (inside === undefined && header.includes(', ')) return { ok: false, detail: twice }
  const text = inside === undefined ? header : inside.replace(/\\(["\\])/g, '$1')
  if (!isKey(text)) return { ok: false, detail: keyForm.rule }
  return { ok: true, key: text, former: inside !== undefined && isKey(header) ? header : null }
}
