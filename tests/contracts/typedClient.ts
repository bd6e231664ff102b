// A typed client that falls out of the operations: what may be sent and what may come back, by status. That it compiles and works is
// the proof that the operations' types say what the service does. It is not published: whoever wants a client generates one from
// /openapi.json in a language of choice. Amounts come back as text, for a double would lose digits past the 15th; they are sent as
// strings or as numbers.

import type { Static, TProperties, TSchema } from '@sinclair/typebox'
import type { noMembers, problemShape } from '../../src/http/contract/answers.ts'
import { refusalsOf, type OperationContract, type RefusalCode } from '../../src/http/contract/operation.ts'
import { operations, type OperationId, type Operations } from '../../src/http/contract/operations.ts'
import { problems, type ProblemCode } from '../../src/http/exchange/problem.ts'
import { ExactAmount } from '../../src/wire/shapes.ts'

type Inputs<O> = (O extends { params: infer P extends TSchema } ? { params: Static<P> } : unknown) &
  (O extends { query: infer Q extends TSchema } ? { query?: Static<Q> } : unknown) &
  (O extends { headers: infer H extends TSchema } ? { headers?: Static<H> } : unknown) &
  (O extends { body: infer B extends TSchema } ? { body: Static<B> } : unknown)

/** An answer that has no body is read as empty text. */
type BodyOf<A> = A extends { body: infer B extends TSchema } ? Static<B> : string

type Success<O extends OperationContract> = {
  [S in keyof O['answers'] & number]: { status: S; body: BodyOf<O['answers'][S]>; headers: Headers }
}[keyof O['answers'] & number]

type MembersOf<R> = R extends { members: infer M extends TProperties } ? M : typeof noMembers
type Problem<C extends ProblemCode, R> = Static<ReturnType<typeof problemShape<C, MembersOf<R>>>>

type Refused<O extends OperationContract> = {
  [C in RefusalCode<O>]: {
    status: (typeof problems)[C]['status']
    body: Problem<C, C extends keyof O['refusals'] ? O['refusals'][C] : unknown>
    headers: Headers
  }
}[RefusalCode<O>]

/** Whatever this operation may answer, told apart by `status`. */
type AnswerOf<Id extends OperationId> = Success<Operations[Id]> | Refused<Operations[Id]>

type Arguments<I> = Partial<I> extends I ? [inputs?: I] : [inputs: I]

export type Client = {
  [Id in OperationId]: (...inputs: Arguments<Inputs<Operations[Id]>>) => Promise<AnswerOf<Id>>
}

/** An answer that the service does not give: somebody else's, such as a proxy's. */
export class UnexpectedAnswer extends Error {
  override name = 'UnexpectedAnswer'
  constructor(
    readonly status: number,
    readonly text: string,
  ) {
    super(`an answer that this service does not give: ${status}`)
  }
}

const isAmount = (schema: TSchema): boolean => schema === ExactAmount || (schema['anyOf'] as TSchema[])?.some(isAmount)

/** The members that are amounts, wherever they stand. */
const amountsIn = (schema: TSchema): string[] => {
  const members = Object.entries((schema['properties'] ?? {}) as Record<string, TSchema>)
  const inner = [schema['items'], ...((schema['anyOf'] ?? []) as TSchema[])].filter((one) => one !== undefined)
  return [
    ...members.filter(([, member]) => isAmount(member)).map(([name]) => name),
    ...[...members.map(([, member]) => member), ...(inner as TSchema[])].flatMap(amountsIn),
  ]
}

const amounts: ReadonlySet<string> = new Set(
  Object.values<OperationContract>(operations).flatMap(({ answers }) =>
    Object.values(answers).flatMap(({ body }) => (body === undefined ? [] : amountsIn(body))),
  ),
)

type SourceContext = { source?: string }
const keepAmounts = (key: string, value: unknown, context?: SourceContext): unknown => {
  if (typeof value !== 'number' || !amounts.has(key)) return value
  if (context?.source === undefined) throw new Error('this runtime cannot read JSON numbers from their own text')
  return context.source
}

type Given = {
  params?: Record<string, string>
  query?: Record<string, string | number | boolean | readonly string[] | undefined>
  headers?: Record<string, string | undefined>
  body?: unknown
}

const pathOf = (path: string, { params = {}, query = {} }: Given): string => {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query))
    for (const one of [value].flat()) if (one !== undefined) search.append(name, String(one))
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name]!))
  return search.size === 0 ? filled : `${filled}?${search.toString()}`
}

export type ClientOptions = {
  /** Sent with every request, such as `authorization`. */
  headers?: Readonly<Record<string, string>>
  /** How long an answer may take. */
  timeoutMs?: number
  fetch?: (url: string, init: RequestInit) => Promise<Response>
}

const requestOf = (
  { method }: OperationContract,
  given: Given,
  { headers = {}, timeoutMs }: ClientOptions,
): RequestInit => {
  const own = Object.entries(given.headers ?? {}).filter(
    (header): header is [string, string] => header[1] !== undefined,
  )
  const json = given.body === undefined ? {} : { 'content-type': 'application/json' }
  return {
    method,
    headers: { ...json, ...headers, ...Object.fromEntries(own) },
    ...(given.body === undefined ? {} : { body: JSON.stringify(given.body) }),
    ...(timeoutMs === undefined ? {} : { signal: AbortSignal.timeout(timeoutMs) }),
  }
}

const isKnown = (operation: OperationContract, { status, headers }: Response): boolean =>
  headers.get('content-type') === 'application/problem+json'
    ? (Object.keys(refusalsOf(operation)) as ProblemCode[]).some((code) => problems[code].status === status)
    : operation.answers[status] !== undefined

/** Throws UnexpectedAnswer, and whatever `fetch` throws; every answer that the document knows is a value. */
const call = async (
  operation: OperationContract,
  url: string,
  given: Given,
  options: ClientOptions,
): Promise<unknown> => {
  const send = options.fetch ?? fetch
  const response = await send(`${url}${pathOf(operation.path, given)}`, requestOf(operation, given, options))
  const { status, headers } = response
  const text = await response.text()
  const isJson = /^application\/(problem\+)?json\b/.test(headers.get('content-type') ?? '')
  if (!isKnown(operation, response)) throw new UnexpectedAnswer(status, text)
  return { status, headers, body: isJson ? (JSON.parse(text, keepAmounts) as unknown) : text }
}

/** A client for the service at `url`, such as `http://localhost:8085`. */
export const createClient = (url: string, options: ClientOptions = {}): Client =>
  Object.fromEntries(
    Object.entries<OperationContract>(operations).map(([id, operation]) => [
      id,
      (given: Given = {}) => call(operation, url.replace(/\/$/, ''), given, options),
    ]),
  ) as unknown as Client
