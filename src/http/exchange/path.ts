// The origin and the path of a request as received, and the path in a form that is safe to repeat in an answer.

const pathLengthMax = 256

// A pattern and not `new URL`: without a valid Host header, Bun's URL of a request is the path alone.
const origin = /^[a-z]+:\/\/[^/?#]*/i

export const pathOf = ({ url }: Request): string => url.replace(origin, '').replace(/[?#].*$/s, '')

/** Scheme and authority, such as `http://localhost:8085`; empty without a valid Host header. */
export const originOf = ({ url }: Request): string => origin.exec(url)?.[0] ?? ''

/** The characters that RFC 3986 does not allow in a path, and a `%` that does not begin an encoded byte. */
const unsafe = /[^A-Za-z0-9\-._~!$&'()*+,;=:@/%]|%(?![0-9A-Fa-f]{2})/gu

/** The path as received, percent-encoded, at most 256 characters long (an encoded byte is never cut in two). */
export const shownPath = (request: Request): string => {
  const encoded = pathOf(request).toWellFormed().replace(unsafe, encodeURIComponent)
  if (encoded.length <= pathLengthMax) return encoded
  return encoded.slice(0, pathLengthMax).replace(/%[0-9A-Fa-f]?$/, '')
}
