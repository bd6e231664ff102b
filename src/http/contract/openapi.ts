// The OpenAPI document, made from the schemas and operations of the code: what is served at /openapi.json and printed by
// `orders openapi`.

import type { TObject, TSchema } from '@sinclair/typebox'
import { orderTypes, typeRules } from '../../domain/order.ts'
import { named, noMembers, problemShape } from './answers.ts'
import {
  isPublished,
  limitHeaders,
  openAccess,
  orderBody,
  securityOf,
  securitySchemes,
  type PublishedAccess,
} from './openapiAccess.ts'
import { requests, resolution } from './examples.ts'
import {
  commonHeaders,
  CommonRequestHeaders,
  type HeaderShape,
  type Operation,
  type RefusalShape,
} from './operation.ts'
import { answerExamples } from './openapiExamples.ts'
import { operations } from './operations.ts'
import { problems, type ProblemCode } from '../exchange/problem.ts'
import { introduction, tags } from './openapiWords.ts'
import { PlaceOrder, type UnknownFields } from '../orders/decode.ts'
import { Resolve } from './parameters.ts'

export type OpenApiOptions = {
  version: string
  unknownFields: UnknownFields
  bodyMaxBytes: number
  /** Who may call, as this service has it; nobody has to say who it is unless it is told otherwise. */
  access?: PublishedAccess
}
type Json = Record<string, unknown>

const names = new Map<unknown, string>(Object.entries(named).map(([name, schema]) => [schema, name]))
names.set(PlaceOrder, 'PlaceOrder').set(Resolve, 'Resolve')

const isConst = (value: unknown): value is { const: string } =>
  typeof value === 'object' && value !== null && typeof (value as Json)['const'] === 'string'

/** A schema as it is published: named ones by reference, a choice of literals as an enum, a rule as its description. */
const published = (value: unknown, isNamed = false): unknown => {
  if (Array.isArray(value)) return value.map((item) => published(item))
  if (typeof value !== 'object' || value === null) return value
  const name = names.get(value)
  if (name !== undefined && !isNamed) return { $ref: `#/components/schemas/${name}` }
  const { rule, anyOf, ...rest } = value as Json
  const literals = Array.isArray(anyOf) && anyOf.every(isConst) ? anyOf.map((one) => one.const) : null
  const choice = literals === null ? (anyOf === undefined ? {} : { anyOf }) : { type: 'string', enum: literals }
  const words = typeof rule === 'string' ? { description: rule } : {}
  return Object.fromEntries(
    Object.entries({ ...rest, ...choice, ...words }).map(([key, inner]) => [key, published(inner)]),
  )
}

/** Price is required for some types of order and forbidden for others: the domain's own table. */
const termsByType = orderTypes.map((type) =>
  typeRules[type].price === 'required'
    ? { title: type, required: ['price'], properties: { type: { const: type }, price: { type: ['number', 'string'] } } }
    : { title: type, properties: { type: { const: type }, price: { type: 'null' } } },
)

const pascal = (text: string): string =>
  text.toLowerCase().replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase())

const parametersOf = (place: 'path' | 'query' | 'header', schema: TObject | undefined): Json[] =>
  Object.entries(schema?.properties ?? {}).map(([name, property]) => {
    const { description, ...rest } = published(property) as Json
    const required = schema?.required?.includes(name) === true
    return { name, in: place, required, ...(description === undefined ? {} : { description }), schema: rest }
  })

const describedHeaders = (headers: Readonly<Record<string, HeaderShape>> = {}): Json =>
  Object.fromEntries(
    Object.entries({ ...commonHeaders, ...headers }).map(([name, { schema, description, optional }]) => [
      name,
      { description, required: optional !== true, schema: published(schema) },
    ]),
  )

const exampleOf = async (id: keyof typeof operations, outcome: string): Promise<unknown> => {
  const make = (answerExamples[id] as Record<string, () => string | Response>)[outcome]!
  const made = make()
  if (typeof made !== 'string') return made.json()
  return made.startsWith('{') ? JSON.parse(made) : made
}

type Building = { schemas: Json; access: PublishedAccess }
type ResponseJson = { description: string; headers: Json; content: Json }

/** The name of a problem's schema; one with members of its own stands beside the usual one. */
const problemRef = (id: string, code: ProblemCode, { members }: RefusalShape, { schemas }: Building): Json => {
  const name = `${members === undefined ? '' : id[0]!.toUpperCase() + id.slice(1)}${pascal(code)}Problem`
  schemas[name] ??= published(problemShape(code, members ?? noMembers))
  return { $ref: `#/components/schemas/${name}` }
}

/** A status that an answer and a problem share is told apart by its media type; what only one of them has may be missing. */
const bothOf = (answer: ResponseJson, refusal: ResponseJson): ResponseJson => {
  const own = Object.entries({ ...answer.headers, ...refusal.headers }).map(([name, header]) => {
    const isShared = name in answer.headers && name in refusal.headers
    return [name, isShared ? header : { ...(header as Json), required: false }]
  })
  const content = { ...answer.content, ...refusal.content }
  return { description: `${answer.description} Or ${refusal.description}`, headers: Object.fromEntries(own), content }
}

const responsesOf = async (id: keyof typeof operations, building: Building): Promise<Json> => {
  const { answers, refusals }: Operation = operations[id]
  const { access } = building
  const headersOf = (headers: Operation['answers'][number]['headers'] = {}): Json =>
    describedHeaders({ ...limitHeaders(id, access), ...headers })
  const responses: Record<string, ResponseJson> = {}
  for (const [status, { description, body, types = ['application/json'], headers }] of Object.entries(answers)) {
    const media = { schema: published(body), example: await exampleOf(id, status) }
    responses[status] = {
      description,
      headers: headersOf(headers),
      content: Object.fromEntries(types.map((type) => [type, media])),
    }
  }
  for (const [code, refusal] of Object.entries(refusals) as [ProblemCode, RefusalShape][]) {
    if (!isPublished(id, code, access)) continue
    const { status } = problems[code]
    const response = {
      description: `\`${code}\`: ${refusal.description}`,
      headers: headersOf(refusal.headers),
      content: {
        'application/problem+json': {
          schema: problemRef(id, code, refusal, building),
          example: await exampleOf(id, code),
        },
      },
    }
    responses[status] = responses[status] === undefined ? response : bothOf(responses[status], response)
  }
  return responses
}

const requestBodies = new Map<TSchema, Json>([
  [PlaceOrder, { examples: requests }],
  [Resolve, { example: resolution }],
])

const bodyOf = (body: TSchema | undefined, bodyMaxBytes: number): Json =>
  body === undefined
    ? {}
    : {
        requestBody: {
          required: true,
          description: `At most ${bodyMaxBytes} bytes.`,
          content: { 'application/json': { schema: published(body), ...requestBodies.get(body) } },
        },
      }

/** The document for a service with these settings. */
export const createOpenApi = async (options: OpenApiOptions): Promise<Json> => {
  const { version, unknownFields, bodyMaxBytes, access = openAccess } = options
  const open = unknownFields === 'ignore' ? { additionalProperties: true } : {}
  const schemas: Json = {
    ...Object.fromEntries(Object.entries(named).map(([name, schema]) => [name, published(schema, true)])),
    PlaceOrder: { ...orderBody(published(PlaceOrder, true) as Json, access), ...open, anyOf: termsByType },
    Resolve: { ...(published(Resolve, true) as Json), ...open },
  }
  const paths: Record<string, Json> = {}
  for (const id of Object.keys(operations) as (keyof typeof operations)[]) {
    const { method, path, tag, summary, description, params, query, headers, body }: Operation = operations[id]
    if (tag === 'Operation' && access.management === 'elsewhere') continue
    const parameters = [
      ...parametersOf('path', params),
      ...parametersOf('query', query),
      ...parametersOf('header', headers),
      ...parametersOf('header', CommonRequestHeaders),
    ]
    paths[path] ??= {}
    paths[path][method.toLowerCase()] = {
      operationId: id,
      tags: [tag],
      summary,
      ...(description === undefined ? {} : { description }),
      ...securityOf(id, access),
      parameters,
      ...bodyOf(body, bodyMaxBytes),
      responses: await responsesOf(id, { schemas, access }),
    }
  }
  const info = { title: 'orders', version, description: introduction, license: { name: 'MIT', identifier: 'MIT' } }
  return {
    openapi: '3.1.1',
    info,
    servers: [{ url: '/' }],
    tags,
    paths,
    components: { schemas, ...securitySchemes(access) },
  }
}
