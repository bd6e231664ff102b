// The header If-Match (RFC 9110, section 13.1.1): `*`, or a list of entity tags. The tag of an order is its version in quotes.

/** `versions`: one of these the order must have; undefined: any will do. */
export type IfMatch = { ok: true; versions: readonly number[] | undefined } | { ok: false; detail: string }

const rule = 'must be * or the ETag of the order, such as "3", or several of them with commas between them'

/** The pattern of the header for the document. */
export const ifMatchPattern =
  '^[ \\t]*(\\*[ \\t]*|((W/)?"[!#-~\\u0080-\\uffff]*"[ \\t]*)?(,[ \\t]*((W/)?"[!#-~\\u0080-\\uffff]*"[ \\t]*)?)*)$'

/** One element of the list, which may be empty, and the comma behind it. A comma may stand inside a tag. */
const element = /[ \t]*(?:(?<weak>W\/)?"(?<tag>[!#-~\u0080-\uffff]*)"[ \t]*)?(?:,|$)/y
const versionForm = /^(?:0|[1-9]\d{0,9})$/
const newestVersion = 2 ** 31 - 1

/**
 * Reads the header; null: it was not sent. Several headers arrive joined by commas. Tags are compared strongly: a weak one matches no
 * order, and neither does a tag that is no version.
 */
export const readIfMatch = (header: string | null): IfMatch => {
  if (header === null || header.trim() === '*') return { ok: true, versions: undefined }
  const versions: number[] = []
  for (let at = 0; at < header.length; at = element.lastIndex) {
    element.lastIndex = at
    const found = element.exec(header)
    if (found === null) return { ok: false, detail: rule }
    const { weak, tag } = found.groups as { weak?: string; tag?: string }
    if (weak === undefined && tag !== undefined && versionForm.test(tag) && Number(tag) <= newestVersion)
      versions.push(Number(tag))
  }
  return { ok: true, versions }
}
