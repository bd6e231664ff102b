// The path of a request: as it was received for the log and the router, and in a form that is safe to repeat in an answer.

const pathLengthMax = 256

/** The path of a request. Not by `new URL`: without a valid Host header, Bun's URL of a request is the path alone. */
export const pathOf = ({ url }: Request): string => url.replace(/^[a-z]+:\/\/[^/?#]*/i, '').replace(/[?#].*$/s, '')

/** What RFC 3986 does not allow in a path, a `%` that begins no encoded byte included. */
const unsafe = /[^A-Za-z0-9\-._~!$&'()*+,;=:@/%]|%(?![0-9A-Fa-f]{2})/gu

/** The path as received, percent-encoded, at most 256 characters long (an encoded byte is never cut in two). */
export const shownPath = (request: Request): string => {
  const encoded = pathOf(request).toWellFormed().replace(unsafe, encodeURIComponent)
  if (encoded.length <= pathLengthMax) return encoded
  return encoded.slice(0, pathLengthMax).replace(/%[0-9A-Fa-f]?$/, '')
}
