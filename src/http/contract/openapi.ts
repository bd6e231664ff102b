// Makes the OpenAPI document from the schemas and operations of the code. /openapi.json serves it and `orders openapi` prints it.

import type { TObject, TSchema } from '@sinclair/typebox'
import { Resolve } from '../exceptions/resolution.ts'
import { isServed } from '../exchange/operation.ts'
import { problemJson, problems, type Problem, type ProblemCode } from '../exchange/problem.ts'
import { VoidKey } from '../orders/void.ts'
import { components, noMembers, problemShape } from './answers.ts'
import { PlaceResult, resultProblems } from './batchResults.ts'
import { answeredAt, examplePath } from './examples.ts'
import { javaExample, javaOperation, javaSchemas } from './javaContract.ts'
import {
  isPublished,
  limitHeaders,
  openAccess,
  securityOf,
  securitySchemes,
  type PublishedAccess,
} from './openapiAccess.ts'
import { bodyOf, orderSchemas, type BodyOptions } from './openapiBody.ts'
import { answerExamples } from './openapiExamples.ts'
import { optionsOf } from './openapiOptions.ts'
import { documentSchema, problemName, type Json } from './openapiSchema.ts'
import { introductionOf, tags } from './openapiText.ts'
import {
  commonHeaders,
  CommonRequestHeaders,
  type HeaderShape,
  refusalsOf,
  type OperationContract,
  type RefusalShape,
} from './operation.ts'
import { operations, type OperationId } from './operations.ts'

export type OpenApiOptions = BodyOptions & {
  version: string
  /** Whether the service answers as the Java service did (JAVA_COMPATIBILITY). */
  javaCompatibility?: boolean
}

const parametersOf = (place: 'path' | 'query' | 'header', schema: TObject | undefined): Json[] =>
  Object.entries(schema?.properties ?? {}).map(([name, property]) => {
    const { description, ...rest } = documentSchema(property) as Json
    const required = schema?.required?.includes(name) === true
    return { name, in: place, required, ...(description === undefined ? {} : { description }), schema: rest }
  })

const headersJson = (headers: Readonly<Record<string, HeaderShape>> = {}): Json =>
  Object.fromEntries(
    Object.entries({ ...commonHeaders, ...headers }).map(([name, { schema, description, optional }]) => [
      name,
      { description, required: optional !== true, schema: documentSchema(schema) },
    ]),
  )

/** The example of an answer, by its status, or of a problem, by its code. */
const exampleOf = (id: OperationId, outcome: string, isJava: boolean): unknown => {
  const own = (answerExamples[id] as Record<string, () => string | Problem>)[outcome]!
  const example = ((isJava ? javaExample(id, outcome) : undefined) ?? own)()
  if (typeof example !== 'string')
    return JSON.parse(problemJson(example, { path: examplePath(operations[id].path), at: answeredAt }))
  return example.startsWith('{') ? JSON.parse(example) : example
}

/** The parts of the document that operations add to or depend on. */
type DocumentParts = { schemas: Json; access: PublishedAccess; isJava: boolean }
type ResponseJson = { description: string; headers: Json; content?: Json }

/** A reference to the schema of a problem. A route whose problem has members of its own has a schema of its own. */
const problemRef = (
  id: OperationId,
  code: ProblemCode,
  { members }: RefusalShape,
  { schemas }: DocumentParts,
): Json => {
  const name = problemName(code, members === undefined ? '' : id)
  schemas[name] ??= documentSchema(problemShape(code, members ?? noMembers))
  return { $ref: `#/components/schemas/${name}` }
}

type Media = { schema: unknown; example?: unknown; examples?: Readonly<Record<string, { value: unknown }>> }

const alternativesOf = ({ schema }: Media): readonly unknown[] =>
  (schema as { anyOf?: readonly unknown[] }).anyOf ?? [schema]
/** The examples of a problem by its code. */
const examplesOf = ({ example, examples }: Media) =>
  examples ?? { [(example as { code: string }).code]: { value: example } }

/** Two problems of one status and media type. */
const mergeMedia = (one: Media | undefined, other: Media): Media =>
  one === undefined
    ? other
    : {
        schema: { anyOf: [...alternativesOf(one), other.schema] },
        examples: { ...examplesOf(one), ...examplesOf(other) },
      }

/** Merges an answer and a problem, or two problems, that share a status. A header that only one of them has is optional. */
const mergeResponses = (answer: ResponseJson, refusal: ResponseJson): ResponseJson => {
  const headers = Object.entries({ ...answer.headers, ...refusal.headers }).map(([name, header]) => {
    const isShared = name in answer.headers && name in refusal.headers
    return [name, isShared ? header : { ...(header as Json), required: false }]
  })
  const merged = Object.entries(refusal.content as Record<string, Media>).map(([type, media]) => [
    type,
    mergeMedia((answer.content as Record<string, Media>)[type], media),
  ])
  const content = { ...answer.content, ...(Object.fromEntries(merged) as Json) }
  return {
    description: `${answer.description} Or ${refusal.description}`,
    headers: Object.fromEntries(headers),
    content,
  }
}

const responsesOf = (id: OperationId, operation: OperationContract, parts: DocumentParts): Json => {
  const { answers } = operation
  const { access, isJava } = parts
  const headersOf = (headers: Readonly<Record<string, HeaderShape>> = {}): Json =>
    headersJson({ ...limitHeaders(operation, access), ...headers })
  const responses: Record<string, ResponseJson> = {}
  for (const [status, { description, body, types = ['application/json'], headers }] of Object.entries(answers)) {
    responses[status] = { description, headers: headersOf(headers) }
    if (body === undefined) continue
    const media = { schema: documentSchema(body), example: exampleOf(id, status, isJava) }
    responses[status].content = Object.fromEntries(types.map((type) => [type, media]))
  }
  for (const [code, refusal] of Object.entries(refusalsOf(operation)) as [ProblemCode, RefusalShape][]) {
    if (!isPublished(operation, code, access)) continue
    const { status } = problems[code]
    const response = {
      description: `\`${code}\`: ${refusal.description}`,
      headers: headersOf(refusal.headers),
      content: {
        'application/problem+json': {
          schema: problemRef(id, code, refusal, parts),
          example: exampleOf(id, code, isJava),
        },
      },
    }
    responses[status] = responses[status] === undefined ? response : mergeResponses(responses[status], response)
  }
  return responses
}

/** Every schema that has a name in the document, but for those of problems: each route adds its own. */
const schemasOf = (options: OpenApiOptions): Json => {
  const named = (shapes: readonly TSchema[]): Json =>
    Object.fromEntries(shapes.map((schema) => [schema['component'], documentSchema(schema, true)]))
  const answers = named(components)
  const open = options.unknownFields === 'ignore' ? { additionalProperties: true } : {}
  return {
    ...(options.javaCompatibility === true ? javaSchemas(answers) : answers),
    ...named([PlaceResult, ...resultProblems]),
    ...orderSchemas(options),
    VoidKey: documentSchema(VoidKey, true),
    Resolve: { ...(documentSchema(Resolve, true) as Json), ...open },
  }
}

/** The document for a service with these settings. */
export const createOpenApi = (options: OpenApiOptions): Json => {
  const { version, access = openAccess, javaCompatibility: isJava = false } = options
  const schemas = schemasOf(options)
  const paths: Record<string, Json> = {}
  for (const operation of Object.values(operations)) {
    if (!isServed(operation, access.management)) continue
    const contract = isJava ? javaOperation(operation) : operation
    const { method, path, tag, summary, description, params, query, headers }: OperationContract = contract
    const parameters = [
      ...parametersOf('path', params),
      ...parametersOf('query', query),
      ...parametersOf('header', headers),
      ...parametersOf('header', CommonRequestHeaders),
    ]
    paths[path] ??= {}
    paths[path][method.toLowerCase()] = {
      operationId: operation.id,
      tags: [tag],
      summary,
      ...(description === undefined ? {} : { description }),
      ...securityOf(operation, access),
      parameters,
      ...bodyOf(operation, options),
      responses: responsesOf(operation.id, contract, { schemas, access, isJava }),
    }
  }
  for (const [path, methods] of Object.entries(paths)) {
    const { operationId, summary, headers } = optionsOf(
      path,
      Object.keys(methods).map((method) => method.toUpperCase()),
    )
    const [{ parameters }] = Object.values(methods) as [{ parameters: Json[] }]
    methods['options'] = {
      operationId,
      tags: ['Methods'],
      summary,
      ...securityOf({ access: 'open' }, access),
      parameters: parameters.filter((parameter) => parameter['in'] === 'path'),
      responses: { 204: { description: 'The path is there.', headers: headersJson(headers) } },
    }
  }
  const info = {
    title: 'orders',
    version,
    description: introductionOf(isJava),
    license: { name: 'MIT', identifier: 'MIT' },
  }
  return {
    openapi: '3.1.1',
    info,
    servers: [{ url: '/' }],
    tags,
    paths,
    components: { schemas, ...securitySchemes(access) },
  }
}
