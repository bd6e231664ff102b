// The page's way to the service: every call carries the caller's credential, which is kept in memory alone.

import { parseExactJson } from '../../wire/json.ts'
import type { Fault } from '../model/ticket.ts'

/** A refusal (RFC 9457). `code` is what decisions rest on; `NO_ANSWER`: the service could not be reached. */
export type Problem = {
  readonly code: string
  readonly title: string
  readonly detail: string
  readonly errors: readonly Fault[]
}

/** `status` 0: there was no answer. `body`: JSON whose numbers lost no digit (wire/json.ts), or text. */
export type Answer = {
  readonly status: number
  readonly headers: Headers
  readonly body: unknown
  readonly problem?: Problem
}

type CallOptions = {
  /** Sent as JSON, or as it is if it is text. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

export type Service = {
  /** Never rejects, unless its signal aborts it. */
  call: (method: string, path: string, options?: CallOptions) => Promise<Answer>
  /** The headers that prove who calls; none without a credential. */
  credentialHeaders: () => Readonly<Record<string, string>>
  /** A token or an API key; null forgets it. Everybody who follows the credential hears of it. */
  setCredential: (credential: string | null) => void
  /** Calls back when the credential changes, and when the service refused a call for want of one. Returns how to stop that. */
  onCredential: (listener: (event: 'changed' | 'refused') => void) => () => void
}

type Fetch = (path: string, init: RequestInit) => Promise<Response>

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

/** The problem in an answer of 400 and above; one of a proxy has no such body. */
const problemOf = (status: number, body: unknown): Problem => {
  const { code, title, detail, errors } = isObject(body) ? body : {}
  return {
    code: textOf(code) || `HTTP_${status}`,
    title: textOf(title) || `The service answered ${status}`,
    detail: textOf(detail),
    errors: Array.isArray(errors) ? (errors as Fault[]) : [],
  }
}

/** How long an answer may take. The service itself ends a request after REQUEST_DEADLINE_MS, at most 25 s; a connection that died says nothing. */
const answerMaxMs = 30_000

const noAnswer: Problem = {
  code: 'NO_ANSWER',
  title: 'No answer',
  detail: 'the service cannot be reached from here',
  errors: [],
}

const bodyOf = async (response: Response): Promise<unknown> => {
  const text = await response.text()
  return /\bjson\b/.test(response.headers.get('content-type') ?? '') ? parseExactJson(text) : text
}

const initOf = (method: string, { body, headers = {} }: CallOptions, own: Readonly<Record<string, string>>) => ({
  method,
  headers: {
    ...own,
    ...(body !== undefined && { 'content-type': 'application/json' }),
    ...headers,
  },
  credentials: 'omit' as const,
  ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
})

export const createService = (fetch: Fetch, waitMs = answerMaxMs): Service => {
  let credential: string | null = null
  const listeners = new Set<(event: 'changed' | 'refused') => void>()
  const tell = (event: 'changed' | 'refused'): void => listeners.forEach((listener) => listener(event))
  const credentialHeaders = (): Readonly<Record<string, string>> =>
    credential === null ? {} : { authorization: `Bearer ${credential}` }
  return {
    credentialHeaders,
    setCredential(value) {
      credential = value
      tell('changed')
    },
    onCredential(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    async call(method, path, options = {}) {
      const late = AbortSignal.timeout(waitMs)
      const signal = options.signal === undefined ? late : AbortSignal.any([options.signal, late])
      try {
        const response = await fetch(path, { ...initOf(method, options, credentialHeaders()), signal })
        const { status, headers } = response
        const body = await bodyOf(response)
        if (status === 401) tell('refused')
        return status < 400 ? { status, headers, body } : { status, headers, body, problem: problemOf(status, body) }
      } catch (error) {
        if (options.signal?.aborted === true) throw error
        return { status: 0, headers: new Headers(), body: null, problem: noAnswer }
      }
    },
  }
}
