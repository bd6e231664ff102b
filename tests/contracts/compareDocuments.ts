// Promises: what changed between two OpenAPI or two AsyncAPI documents, as far as it concerns who was there before.

import { isPatternWithin, type PatternPair } from './comparePatterns.ts'
import { alternativesOf, compareSchemas, type Change, type Direction, type Widenings } from './compareSchemas.ts'
import { dereferenced, type Json } from './documents.ts'

type Named<T> = Record<string, T>
type Parameter = { name: string; in: string; required?: boolean; schema: Json }
type Header = { required?: boolean; schema: Json }
type Content = Named<{ schema: Json }>
type Response = { headers?: Named<Header>; content?: Content }
type Operation = {
  operationId: string
  parameters?: Parameter[]
  requestBody?: { required?: boolean; content: Content }
  responses: Named<Response>
  security?: unknown
}

const breaking = (at: string, what: string): Change => ({ kind: 'breaking', at, what })
const decide = (at: string, what: string): Change => ({ kind: 'decide', at, what })

/** What stands on both sides, by name; what is gone and what is new is for `gone` and `added` to judge. */
const each = <T>(
  [before = {}, after = {}]: readonly [Named<T> | undefined, Named<T> | undefined],
  judge: {
    gone: (name: string, was: T) => Change[]
    added: (name: string, is: T) => Change[]
    kept: (name: string, was: T, is: T) => Change[]
  },
): Change[] => [
  ...Object.entries(before).flatMap(([name, was]) => {
    const is = after[name]
    return is === undefined ? judge.gone(name, was) : judge.kept(name, was, is)
  }),
  ...Object.entries(after).flatMap(([name, is]) => (before[name] === undefined ? judge.added(name, is) : [])),
]

const none = (): Change[] => []

type Side = { at: string; direction: Direction; widenings: Widenings }

const contents = (
  { at, direction, widenings }: Side,
  before: Content | undefined,
  after: Content | undefined,
): Change[] =>
  each([before, after], {
    gone: (type) => [breaking(at, `the media type ${type} is gone`)],
    added: (type) => (direction === 'in' ? [] : [decide(at, `the new media type ${type} may come`)]),
    kept: (type, was, is) =>
      compareSchemas({ before: was.schema, after: is.schema, direction, at: `${at} ${type} `, widenings }),
  })

const headers = (at: string, before: Named<Header> | undefined, after: Named<Header> | undefined): Change[] =>
  each([before, after], {
    gone: (name) => [breaking(at, `the header ${name} is gone`)],
    added: none,
    kept: (name, was, is) => [
      ...(was.required === true && is.required !== true ? [breaking(at, `the header ${name} may be missing now`)] : []),
      ...compareSchemas({ before: was.schema, after: is.schema, direction: 'out', at: `${at} ${name}` }),
    ],
  })

const byName = (parameters: Parameter[] = []): Named<Parameter> =>
  Object.fromEntries(parameters.map((parameter) => [`${parameter.in} ${parameter.name}`, parameter]))

const parameters = (at: string, before: Operation, after: Operation): Change[] =>
  each([byName(before.parameters), byName(after.parameters)], {
    gone: (name) => [breaking(at, `the parameter ${name} is gone`)],
    added: (name, { required }) => (required === true ? [breaking(at, `the parameter ${name} is required`)] : []),
    kept: (name, was, is) => [
      ...(was.required !== true && is.required === true ? [breaking(at, `the parameter ${name} is required now`)] : []),
      ...compareSchemas({ before: was.schema, after: is.schema, direction: 'in', at: `${at} ${name}` }),
    ],
  })

const bodies = (at: string, { requestBody: before }: Operation, { requestBody: after }: Operation): Change[] => {
  if (before === undefined) return after?.required === true ? [breaking(at, 'a body is required now')] : []
  if (after === undefined) return [breaking(at, 'no body is read any more')]
  const isStricter = before.required !== true && after.required === true
  return [
    ...(isStricter ? [breaking(at, 'the body is required now')] : []),
    ...contents({ at: `${at} body`, direction: 'in', widenings: new Map() }, before.content, after.content),
  ]
}

const responses = ({ at, widenings }: Omit<Side, 'direction'>, before: Operation, after: Operation): Change[] =>
  each([before.responses, after.responses], {
    gone: (status) => [breaking(at, `the status ${status} is gone`)],
    added: (status) => [decide(at, `the new status ${status} may come`)],
    kept: (status, was, is) => [
      ...headers(`${at} ${status}`, was.headers, is.headers),
      ...contents({ at: `${at} ${status}`, direction: 'out', widenings }, was.content, is.content),
    ],
  })

const operations = (at: string, widenings: Widenings, [before, after]: [Operation, Operation]): Change[] => [
  ...(before.operationId === after.operationId
    ? []
    : [breaking(at, `the operation ${before.operationId} is called ${after.operationId}`)]),
  ...(Bun.deepEquals(before.security, after.security) ? [] : [breaking(at, 'what a caller has to show changed')]),
  ...parameters(at, before, after),
  ...bodies(at, before, after),
  ...responses({ at, widenings }, before, after),
]

type OpenApi = { paths: Named<Named<Operation>>; servers?: unknown; security?: unknown }

/** Both documents, with every reference replaced by what it leads to. */
const bothOf = <T>(released: Json, current: Json): [T, T] =>
  [released, current].map((document) => dereferenced(document, document)) as [T, T]

/** The pattern of a text; of a choice, where one of its forms is a text, that one's. */
const patternOf = (schema: Json): string | null => {
  const patterns = alternativesOf(schema).flatMap(({ pattern }) => (typeof pattern === 'string' ? [pattern] : []))
  return patterns.length === 1 ? patterns[0]! : null
}

/** The members of what is sent to us whose pattern became wider: under their names, answers and events may bring the same. */
const widened = (pairs: readonly (readonly [Json | undefined, Json | undefined])[]): [string, PatternPair][] =>
  pairs.flatMap((pair) => {
    const [old, now] = pair.map((schema) => (schema?.['properties'] ?? {}) as Named<Json>) as [Named<Json>, Named<Json>]
    return Object.entries(old).flatMap(([name, schema]): [string, PatternPair][] => {
      const [before, after] = [patternOf(schema), patternOf(now[name] ?? {})]
      if (before === null || after === null || before === after || !isPatternWithin(before, after)) return []
      return [[name, { before, after }]]
    })
  })

const byMember = (entries: readonly [string, PatternPair][]): Widenings =>
  new Map([...Map.groupBy(entries, ([name]) => name)].map(([name, all]) => [name, all.map(([, pair]) => pair)]))

/** The members of request bodies that became wider. */
export const wideningsOfOpenApi = (released: Json, current: Json): Widenings => {
  const [before, after] = bothOf<OpenApi>(released, current)
  const pairs = Object.entries(before.paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, { requestBody }]) =>
      Object.entries(requestBody?.content ?? {}).map(
        ([type, { schema }]) => [schema, after.paths[path]?.[method]?.requestBody?.content[type]?.schema] as const,
      ),
    ),
  )
  return byMember(widened(pairs))
}

/** `widenings`: what requests may newly bring, which answers give back. */
export const compareOpenApi = (
  released: Json,
  current: Json,
  widenings: Widenings = wideningsOfOpenApi(released, current),
): Change[] => {
  const [before, after] = bothOf<OpenApi>(released, current)
  return [
    ...(Bun.deepEquals(before.servers, after.servers) ? [] : [breaking('servers', 'the addresses changed')]),
    ...(Bun.deepEquals(before.security, after.security)
      ? []
      : [breaking('security', 'what a caller has to show changed')]),
    ...each([before.paths, after.paths], {
      gone: (path) => [breaking(path, 'the path is gone')],
      added: none,
      kept: (path, was, is) =>
        each([was, is], {
          gone: (method) => [breaking(`${method.toUpperCase()} ${path}`, 'the operation is gone')],
          added: none,
          kept: (method, one, other) => operations(`${method.toUpperCase()} ${path}`, widenings, [one, other]),
        }),
    }),
  ]
}

type Message = { contentType?: string; headers: Json; payload: Json; bindings?: { kafka?: { key?: Json } } }
type Channel = { address: string; messages: Named<Message> }
type AsyncOperation = { action: 'send' | 'receive'; channel: { address: string } }
type AsyncApi = { channels: Named<Channel>; operations: Named<AsyncOperation> }

/** The key is a copy of a member: of that one whose pattern it has, in both documents. */
const memberOfKey = ([before, after]: [Message, Message]): string | undefined => {
  const patternsOf = ({ payload }: Message, name: string): unknown =>
    (payload['properties'] as Named<Json> | undefined)?.[name]?.['pattern']
  const [old, now] = [before, after].map((message) => keyOf(message)['pattern'])
  if (old === undefined) return undefined
  return Object.keys((before.payload['properties'] ?? {}) as Json).find(
    (name) => patternsOf(before, name) === old && patternsOf(after, name) === now,
  )
}

const keyOf = ({ bindings }: Message): Json => bindings?.kafka?.key ?? {}

const messages = ({ at, direction, widenings }: Side, before: Message, after: Message): Change[] => {
  const side = { direction, widenings }
  const member = memberOfKey([before, after])
  return [
    ...(before.contentType === after.contentType ? [] : [breaking(at, `the content type became ${after.contentType}`)]),
    ...compareSchemas({ ...side, before: before.headers, after: after.headers, at: `${at} headers` }),
    ...compareSchemas({ ...side, before: before.payload, after: after.payload, at: `${at} payload` }),
    ...compareSchemas({
      ...side,
      before: keyOf(before),
      after: keyOf(after),
      at: `${at} key`,
      ...(member !== undefined && { member }),
    }),
  ]
}

/** The first operation on a channel says who its other side is; those after it are of our own tools. */
const directionOf = ({ operations: all }: AsyncApi, { address }: Channel): Direction =>
  Object.values(all).find(({ channel }) => channel.address === address)?.action === 'receive' ? 'in' : 'out'

/** `widenings`: what requests over HTTP may newly bring, which events give back. */
export const compareAsyncApi = (released: Json, current: Json, widenings: Widenings = new Map()): Change[] => {
  const [before, after] = bothOf<AsyncApi>(released, current)
  const channels = each([before.channels, after.channels], {
    gone: (name) => [breaking(name, 'the channel is gone')],
    added: none,
    kept(name, was, is) {
      const direction = directionOf(before, was)
      const moved =
        was.address === is.address ? [] : [breaking(name, `the topic ${was.address} is called ${is.address}`)]
      return [
        ...moved,
        ...each([was.messages, is.messages], {
          gone: (message) => [breaking(`${name} ${message}`, 'the message is gone')],
          added: (message) => (direction === 'in' ? [] : [decide(`${name} ${message}`, 'the new message may come')]),
          kept: (message, one, other) => messages({ at: `${name} ${message}`, direction, widenings }, one, other),
        }),
      ]
    },
  })
  return [
    ...channels,
    ...each([before.operations, after.operations], {
      gone: (name) => [breaking(name, 'the operation is gone')],
      added: none,
      kept: (name, was, is) =>
        was.action === is.action && was.channel.address === is.channel.address
          ? []
          : [breaking(name, 'the operation does something else')],
    }),
  ]
}
