// One request to the service and its answer, whole.

import type { Access } from '../client/access.ts'
import { failureOf, type Failure } from '../client/failure.ts'

export type Query = Readonly<Record<string, string | readonly string[] | undefined>>

export type Call = {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Without a slash before it. */
  path: string
  query?: Query
  /** Sent as JSON. Amounts are text in it. */
  body?: object
}

export type Answer = { status: number; headers: Headers; text: string }
export type Result = { kind: 'answer'; answer: Answer } | Failure

/** How long an answer may take. The service itself ends a request after REQUEST_DEADLINE_MS, at most 25 s. */
const answerMaxMs = 30_000
const answerBytesMax = 33_554_432

const urlOf = (base: URL, path: string, query: Query = {}): URL => {
  const url = new URL(path, base)
  for (const [name, value] of Object.entries(query))
    for (const one of value === undefined ? [] : [value].flat()) url.searchParams.append(name, one)
  return url
}

const textOf = async (response: Response): Promise<string> => {
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength
    if (bytes > answerBytesMax) throw new Error(`the answer is longer than ${answerBytesMax} bytes`)
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}

/** Sends the request once. */
export const send = async ({ base, headers, ca }: Access, call: Call, signal: AbortSignal): Promise<Result> => {
  const timeout = AbortSignal.timeout(answerMaxMs)
  const { method, path, query, body } = call
  try {
    const response = await fetch(urlOf(base, path, query), {
      method,
      headers: {
        accept: 'application/json, application/problem+json',
        ...headers,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      redirect: 'manual',
      signal: AbortSignal.any([signal, timeout]),
      ...(ca !== undefined && { tls: { ca } }),
    })
    return {
      kind: 'answer',
      answer: { status: response.status, headers: response.headers, text: await textOf(response) },
    }
  } catch (error) {
    if (signal.aborted) return { kind: 'lost', reason: 'it was interrupted' }
    if (timeout.aborted) return { kind: 'lost', reason: `no answer within ${answerMaxMs / 1000} s` }
    const failure = failureOf(error)
    return failure.kind === 'unsent' ? { ...failure, reason: `${failure.reason}: ${base.origin} (see --url)` } : failure
  }
}
