// What all routes share: a JSON answer, and the query of a request.

/**
 * An answer of text before it has the headers that all answers have. `answering` makes the Response of it with all headers at once: to set
 * them one by one on a Response costs more than the Response.
 */
export class Reply {
  constructor(
    readonly status: number,
    readonly body: string,
    /** By their names in lower case, the content type among them. */
    readonly headers: Readonly<Record<string, string>>,
  ) {}
}

export const json = (status: number, body: string, headers: Record<string, string> = {}): Reply =>
  new Reply(status, body, { 'content-type': 'application/json', ...headers })

/** The query parameters of a request. Unlike `new URL`, it works with any Host header. */
export const searchOf = ({ url }: Request): URLSearchParams => {
  const start = url.indexOf('?')
  return new URLSearchParams(start === -1 ? '' : url.slice(start + 1))
}
