// What routes share: a JSON answer, and the parameters of a request.

export const json = (status: number, body: string, headers: Record<string, string> = {}): Response =>
  new Response(body, { status, headers: { 'content-type': 'application/json', ...headers } })

/** The parameters of a request, whatever its Host header was. */
export const searchOf = ({ url }: Request): URLSearchParams => {
  const start = url.indexOf('?')
  return new URLSearchParams(start === -1 ? '' : url.slice(start + 1))
}
