// Promises: what changed between two OpenAPI or two AsyncAPI documents, as far as it concerns who was there before.

import { compareSchemas, type Change, type Direction } from './compareSchemas.ts'
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

const contents = (
  at: string,
  direction: Direction,
  before: Content | undefined,
  after: Content | undefined,
): Change[] =>
  each([before, after], {
    gone: (type) => [breaking(at, `the media type ${type} is gone`)],
    added: none,
    kept: (type, was, is) => compareSchemas({ before: was.schema, after: is.schema, direction, at: `${at} ${type} ` }),
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
    ...contents(`${at} body`, 'in', before.content, after.content),
  ]
}

const responses = (at: string, before: Operation, after: Operation): Change[] =>
  each([before.responses, after.responses], {
    gone: (status) => [breaking(at, `the status ${status} is gone`)],
    added: (status) => [decide(at, `the new status ${status} may come`)],
    kept: (status, was, is) => [
      ...headers(`${at} ${status}`, was.headers, is.headers),
      ...contents(`${at} ${status}`, 'out', was.content, is.content),
    ],
  })

const operations = (at: string, before: Operation, after: Operation): Change[] => [
  ...(before.operationId === after.operationId
    ? []
    : [breaking(at, `the operation ${before.operationId} is called ${after.operationId}`)]),
  ...(Bun.deepEquals(before.security, after.security) ? [] : [breaking(at, 'what a caller has to show changed')]),
  ...parameters(at, before, after),
  ...bodies(at, before, after),
  ...responses(at, before, after),
]

type OpenApi = { paths: Named<Named<Operation>>; servers?: unknown; security?: unknown }

export const compareOpenApi = (released: Json, current: Json): Change[] => {
  const [before, after] = [released, current].map((document) => dereferenced(document, document)) as unknown as [
    OpenApi,
    OpenApi,
  ]
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
          kept: (method, one, other) => operations(`${method.toUpperCase()} ${path}`, one, other),
        }),
    }),
  ]
}

type Message = { contentType?: string; headers: Json; payload: Json; bindings?: { kafka?: { key?: Json } } }
type Channel = { address: string; messages: Named<Message> }
type AsyncOperation = { action: 'send' | 'receive'; channel: { address: string } }
type AsyncApi = { channels: Named<Channel>; operations: Named<AsyncOperation> }

const messages = (at: string, direction: Direction, before: Message, after: Message): Change[] => {
  const key = ({ bindings }: Message): Json => bindings?.kafka?.key ?? {}
  const parts: [string, Json, Json][] = [
    ['headers', before.headers, after.headers],
    ['payload', before.payload, after.payload],
    ['key', key(before), key(after)],
  ]
  return [
    ...(before.contentType === after.contentType ? [] : [breaking(at, `the content type became ${after.contentType}`)]),
    ...parts.flatMap(([part, was, is]) => compareSchemas({ before: was, after: is, direction, at: `${at} ${part}` })),
  ]
}

/** The first operation on a channel says who its other side is; those after it are of our own tools. */
const directionOf = ({ operations: all }: AsyncApi, { address }: Channel): Direction =>
  Object.values(all).find(({ channel }) => channel.address === address)?.action === 'receive' ? 'in' : 'out'

export const compareAsyncApi = (released: Json, current: Json): Change[] => {
  const [before, after] = [released, current].map((document) => dereferenced(document, document)) as unknown as [
    AsyncApi,
    AsyncApi,
  ]
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
          kept: (message, one, other) => messages(`${name} ${message}`, direction, one, other),
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
