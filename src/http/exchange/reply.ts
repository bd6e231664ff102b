// Two functions that all routes share: one writes a JSON answer, one reads the query of a request.

export const json = (status: number, body: string, headers: Record<string, string> = {}): Response =>
  new Response(body, { status, headers: { 'content-type': 'application/json', ...headers } })

/** The query parameters of a request. Unlike `new URL`, it works with any Host header. */
export const searchOf = ({ url }: Request): URLSearchParams => {
  const start = url.indexOf('?')
  return new URLSearchParams(start === -1 ? '' : url.slice(start + 1))
}
