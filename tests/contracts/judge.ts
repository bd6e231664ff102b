// Judges an exchange by the published OpenAPI document: a status, a header, a media type or a member that the document does not
// know is a fault, and so is a value that its schema refuses. Every object is judged as closed: clients must let new members
// pass, but this service must not send what it does not publish.

import addFormats from 'ajv-formats'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { dereferenced, openApiDocument, type Json } from './documents.ts'

export type Exchange = { method: string; path: string; status: number; headers: Headers; text: string }
export type Sent = { headers?: Record<string, string>; body?: string }

type Media = { schema: Json }
type Described = { required?: boolean; schema: Json }
type Response = { headers?: Record<string, Described>; content?: Record<string, Media> }
type Parameter = Described & { name: string; in: 'path' | 'query' | 'header' }
export type Operation = {
  operationId: string
  parameters?: Parameter[]
  requestBody?: { content: Record<string, Media> }
  responses: Record<string, Response>
}

/** An Ajv as the documents need it: `decimal` says how a number is written, which no validator sees. */
export const createAjv = () => {
  const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false, allErrors: true })
  addFormats.default(ajv)
  return ajv.addFormat('decimal', true)
}

/** The same schema with every object closed that names its members. */
export const closed = <T>(schema: T): T => {
  if (Array.isArray(schema)) return schema.map((item: unknown) => closed(item)) as T
  if (typeof schema !== 'object' || schema === null) return schema
  const inner: Json = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]))
  const isOpen =
    inner['type'] === 'object' && inner['properties'] !== undefined && inner['additionalProperties'] === undefined
  return (isOpen ? { ...inner, unevaluatedProperties: false } : inner) as T
}

export type Paths = Record<string, Record<string, Operation>>
export const pathsOf = (document: Json): Paths => dereferenced(document, document)['paths'] as Paths
/** Those of a service with its defaults: what is judged by unless another document is given. */
export const paths = pathsOf(openApiDocument)

const ajv = createAjv()
const validators = new Map<Json, ValidateFunction>()
const schemaFaults = (what: string, schema: Json, value: unknown): string[] => {
  const validate = validators.get(schema) ?? ajv.compile(closed(schema))
  validators.set(schema, validate)
  if (validate(value)) return []
  return validate.errors!.map(({ instancePath, message }) => `${what}${instancePath} ${message}`)
}

/** Headers of the connection, and the one that the media types stand for. */
const transport = new Set(['content-type', 'content-length', 'date', 'connection', 'keep-alive', 'transfer-encoding'])

/** A header or a parameter is text: a number is one that reads as such. */
const typed = (schema: Json, text: string): unknown => {
  const type = schema['type']
  if (type === 'integer' || type === 'number') return text.trim() === '' ? text : Number(text)
  return type === 'boolean' ? (({ true: true, false: false } as Record<string, boolean>)[text] ?? text) : text
}

/** As a URL has it: `..` is resolved. One slash at the end does not count. */
const segmentsOf = (path: string): string[] =>
  new URL(path, 'http://localhost').pathname.replace(/(.)\/$/, '$1').split('/')

/** The path of the document that leads there, the most literal first, and the values of its parameters. */
export const pathOf = (
  path: string,
  known: Paths = paths,
): { template: string; values: Record<string, string> } | null => {
  const segments = segmentsOf(path)
  for (const template of Object.keys(known).toSorted((a, b) => a.split('{').length - b.split('{').length)) {
    const parts = template.split('/')
    const isMatch = (part: string, i: number) => (part.startsWith('{') ? segments[i] !== '' : part === segments[i])
    if (parts.length === segments.length && parts.every(isMatch))
      return {
        template,
        values: Object.fromEntries(
          parts.flatMap((part, i) => (part.startsWith('{') ? [[part.slice(1, -1), segments[i]!]] : [])),
        ),
      }
  }
  return null
}

const headerFaults = (documented: Record<string, Described>, headers: Headers): string[] => {
  const known = new Map(Object.entries(documented).map(([name, header]) => [name.toLowerCase(), header]))
  const faults = [...headers.keys()]
    .filter((name) => !known.has(name) && !transport.has(name))
    .map((name) => `the header ${name} is not documented`)
  for (const [name, { required, schema }] of known) {
    const value = headers.get(name)
    if (value === null && required === true) faults.push(`the header ${name} is missing`)
    if (value !== null) faults.push(...schemaFaults(`the header ${name}`, schema, typed(schema, value)))
  }
  return faults
}

const contentFaults = (content: Record<string, Media> | undefined, { method, headers, text }: Exchange): string[] => {
  if (content === undefined) return text === '' && !headers.has('content-type') ? [] : ['there is a body']
  const type = headers.get('content-type') ?? 'none'
  const media = content[type]
  if (media === undefined) return [`the media type ${type} is not documented`]
  if (method === 'HEAD') return text === '' ? [] : ['HEAD has no body']
  return schemaFaults('the body', media.schema, type.includes('json') ? JSON.parse(text) : text)
}

/** The operations that may have given this answer: the one of the method, or, of a refused method, all of the path. */
const operationsOf = (method: string, methods: Record<string, Operation>): Operation[] => {
  const found = methods[method === 'HEAD' ? 'get' : method.toLowerCase()]
  if (found !== undefined) return [found]
  const { options: _, ...others } = methods
  return Object.values(others)
}

/** What is wrong with an answer; empty for one that is as published. */
export const answerFaults = (exchange: Exchange, known: Paths = paths): string[] => {
  const { method, path, status, headers } = exchange
  const at = `${method} ${path} ${status}:`
  const found = pathOf(path, known)
  if (found === null) return status === 404 ? [] : [`${at} the path is not documented`]
  const methods = known[found.template]!
  const isKnown = methods[method === 'HEAD' ? 'get' : method.toLowerCase()] !== undefined
  if (!isKnown && status !== 405) return [`${at} the method is not documented`]
  return operationsOf(method, methods).flatMap(({ responses }) => {
    const response = responses[status]
    if (response === undefined) return [`${at} the status is not documented`]
    const faults = [...headerFaults(response.headers ?? {}, headers), ...contentFaults(response.content, exchange)]
    return faults.map((fault) => `${at} ${fault}`)
  })
}

const parameterFaults = (parameter: Parameter, given: readonly string[]): string[] => {
  const { name, required, schema } = parameter
  if (given.length === 0) return required === true ? [`${name} is required`] : []
  if (schema['type'] === 'array') return schemaFaults(name, schema, given)
  return given.length > 1 ? [`${name} is given more than once`] : schemaFaults(name, schema, typed(schema, given[0]!))
}

/** What is wrong with a request that was taken; empty for one that the document allows. */
export const requestFaults = (method: string, path: string, { headers = {}, body }: Sent): string[] => {
  const found = pathOf(path)
  const operation = found === null ? undefined : paths[found.template]![method.toLowerCase()]
  if (found === null || operation === undefined) return [`${method} ${path} is not documented`]
  const search = new URLSearchParams(path.split('?')[1] ?? '')
  const sent = new Headers(headers)
  const parameters = operation.parameters ?? []
  const valuesOf = ({ name, in: place }: Parameter): string[] => {
    if (place === 'query') return search.getAll(name)
    const value = place === 'path' ? found.values[name] : sent.get(name)
    return value === undefined || value === null ? [] : [value]
  }
  const queries = parameters.filter((parameter) => parameter.in === 'query').map(({ name }) => name)
  const media = operation.requestBody?.content['application/json']
  return [
    ...[...new Set(search.keys())].filter((name) => !queries.includes(name)).map((name) => `${name} is not documented`),
    ...parameters.flatMap((parameter) => parameterFaults(parameter, valuesOf(parameter))),
    ...(media === undefined ? [] : schemaFaults('the body', media.schema, JSON.parse(body ?? 'null'))),
  ]
}
