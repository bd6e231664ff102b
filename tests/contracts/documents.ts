// The documents as the service publishes them with its defaults, and the lookup of a reference in them.

import { readSettings } from '../../src/config/config.ts'
import { amountDigits } from '../../src/domain/decimal.ts'
import { createOpenApi } from '../../src/http/contract/openapi.ts'
import { contractsOf } from '../../src/serve/contracts.ts'

export type Json = Record<string, unknown>

const defaults = readSettings({})
if (!defaults.ok) throw new Error(defaults.faults.join('; '))

/** As it is after a round trip through JSON: nothing of TypeBox is left in it. */
const plain = (document: unknown): Json => JSON.parse(JSON.stringify(document)) as Json

export const asyncApiDocument = plain(contractsOf(defaults.settings).asyncApi)
export const openApiDocument = plain(
  createOpenApi({
    version: 'test',
    unknownFields: 'refuse',
    bodyMaxBytes: 65_536,
    batchBodyMaxBytes: 1_048_576,
    amountDigits,
  }),
)

/** The proto file as the service serves it. */
export const ordersProto = contractsOf(defaults.settings).proto

const at = (document: Json, path: readonly string[]): unknown =>
  path.reduce<unknown>((inner, key) => (inner as Json | undefined)?.[key], document)

/** The document with every reference replaced by what it leads to; ours have no cycles. */
export const dereferenced = <T>(document: Json, value: T): T => {
  if (Array.isArray(value)) return value.map((item: unknown) => dereferenced(document, item)) as T
  if (typeof value !== 'object' || value === null) return value
  const ref = (value as Json)['$ref']
  if (typeof ref !== 'string')
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, dereferenced(document, inner)])) as T
  const target = at(
    document,
    ref
      .slice(2)
      .split('/')
      .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~')),
  )
  if (target === undefined) throw new Error(`${ref} leads nowhere`)
  return dereferenced(document, target) as T
}
