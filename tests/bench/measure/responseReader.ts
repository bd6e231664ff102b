// Reads HTTP/1.1 answers from the pieces in which a connection delivers them. It knows just enough of the protocol for answers that
// declare their length, as the service's do: a generator must not take the processor from the service that it measures.

export type Answer = { status: number; location: string | null }

const endOfHead = '\r\n\r\n'
const lengthPattern = /\r\ncontent-length: *(\d+)/i
const locationPattern = /\r\nlocation: *([^\r]*)/i

/** Answers a function that takes each piece as it comes. */
export const createResponseReader = (onAnswer: (answer: Answer) => void): ((piece: string) => void) => {
  let rest = ''
  return (piece) => {
    rest = rest === '' ? piece : rest + piece
    for (;;) {
      const headEnd = rest.indexOf(endOfHead)
      if (headEnd === -1) return
      const head = rest.slice(0, headEnd)
      const end = headEnd + endOfHead.length + Number(lengthPattern.exec(head)?.[1] ?? 0)
      if (rest.length < end) return
      rest = rest.slice(end)
      // "HTTP/1.1 202 Accepted"
      onAnswer({ status: Number(head.slice(9, 12)), location: locationPattern.exec(head)?.[1] ?? null })
    }
  }
}
