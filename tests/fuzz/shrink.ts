// Finds a smaller input with the same fault, by leaving out parts as long as the fault stays. The number of tries is bounded.

import type { HttpCase, HttpRequest } from './requests.ts'

const triesMax = 150

/** Each of ever smaller pieces left out. */
function* withoutPieces(length: number): Generator<[from: number, to: number]> {
  for (let size = length >> 1; size >= 1; size >>= 1)
    for (let from = 0; from < length; from += size) yield [from, from + size]
}

const without = (bytes: Buffer, [from, to]: [number, number]): Buffer =>
  Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)])

function* smallerRequests(request: HttpRequest): Generator<HttpRequest> {
  for (let i = 0; i < request.headers.length; i++) yield { ...request, headers: request.headers.toSpliced(i, 1) }
  if (request.framing === 'chunked') yield { ...request, framing: 'length' }
  const start = request.target.indexOf('?')
  if (start !== -1) yield { ...request, target: request.target.slice(0, start) }
  if (request.body !== null)
    for (const piece of withoutPieces(request.body.length)) yield { ...request, body: without(request.body, piece) }
}

function* smallerCases(hostile: HttpCase): Generator<HttpCase> {
  if (hostile.kind === 'request') yield* smallerRequests(hostile)
  else
    for (const piece of withoutPieces(hostile.bytes.length)) yield { ...hostile, bytes: without(hostile.bytes, piece) }
}

/** `fails` says whether a candidate still has the fault. */
export const shrink = async <T>(
  first: T,
  smaller: (input: T) => Iterable<T>,
  fails: (input: T) => Promise<boolean>,
): Promise<T> => {
  let [best, tries] = [first, 0]
  for (let progress = true; progress;) {
    progress = false
    for (const candidate of smaller(best)) {
      if (++tries > triesMax) return best
      if (!(await fails(candidate))) continue
      best = candidate
      progress = true
      break
    }
  }
  return best
}

export const shrinkCase = (hostile: HttpCase, fails: (input: HttpCase) => Promise<boolean>): Promise<HttpCase> =>
  shrink(hostile, smallerCases, fails)
