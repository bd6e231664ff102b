// Judges a message of a topic by the published AsyncAPI document. Every object that the service sends is judged as closed, except
// dead letters, which carry whatever headers the message had.

import { Ajv, type ValidateFunction } from 'ajv'
import addFormats from 'ajv-formats'
import { asyncApiDocument, dereferenced, type Json } from './documents.ts'

export type Message = { topic: string; key: string | null; value: string | null; headers: Record<string, string> }
type Documented = {
  name: string
  headers: Json
  payload: Json
  bindings: { kafka: { key: Json } }
  examples: { headers?: Record<string, string>; payload: unknown }[]
}
type Document = {
  channels: Record<string, { address: string; messages: Record<string, Documented> }>
  components: { messages: Record<string, Documented> }
}

const document = dereferenced(asyncApiDocument, asyncApiDocument) as unknown as Document
export const messages = document.components.messages

/** JSON Schema draft-07 has no `unevaluatedProperties`; ours have no members in branches that matter here. */
const closed = (schema: Json): Json =>
  schema['properties'] === undefined ? schema : { ...schema, additionalProperties: false }
const open = new Set(['tradeExecuted', 'tradeLegExecuted', 'deadLetter', 'orderReport', 'reportDeadLetter'])

const ajv = new Ajv({ strict: true, strictTypes: false, strictRequired: false, allErrors: true })
addFormats.default(ajv)
ajv.addFormat('decimal', true)
const validators = new Map<string, ValidateFunction>()

const faultsOf = (name: string, part: 'headers' | 'payload' | 'key', value: unknown): string[] => {
  const message = messages[name]!
  const schema = part === 'key' ? message.bindings.kafka.key : message[part]
  const validate = validators.get(`${name} ${part}`) ?? ajv.compile(open.has(name) ? schema : closed(schema))
  validators.set(`${name} ${part}`, validate)
  if (validate(value)) return []
  return validate.errors!.map(
    ({ instancePath, message: text, params }) => `${name} ${part}${instancePath} ${text} ${JSON.stringify(params)}`,
  )
}

/** What is wrong with a value as a message of this name. */
export const valueFaults = (name: string, text: string): string[] => {
  try {
    return faultsOf(name, 'payload', JSON.parse(text))
  } catch {
    return [`${name} value is no JSON`]
  }
}

const oneFaults = (name: string, { key, value, headers }: Message): string[] => [
  ...(key === null && messages[name]!.bindings.kafka.key['type'] === undefined ? [] : faultsOf(name, 'key', key)),
  ...faultsOf(name, 'headers', headers),
  ...(/[dD]eadLetter$/.test(name) ? [] : value === null ? [`${name} value is missing`] : valueFaults(name, value)),
]

/** What is wrong with a message; empty where one of its topic's forms is met. Topics by the names of the configuration's defaults. */
export const messageFaults = (message: Message): string[] => {
  const channel = Object.values(document.channels).find(({ address }) => address === message.topic)
  if (channel === undefined) return [`the topic ${message.topic} is not documented`]
  const each = Object.keys(channel.messages).map((name) => oneFaults(name, message))
  return each.some((faults) => faults.length === 0) ? [] : each.flat()
}
