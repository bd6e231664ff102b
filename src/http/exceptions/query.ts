// The query parameters of the list of exceptions, and the filter that they describe.

import { Type } from '@sinclair/typebox'
import { canonicalUuid } from '../../domain/ids.ts'
import { exceptionDispositions } from '../../domain/leg.ts'
import type { ExceptionFilter } from '../../store/exceptions.ts'
import { TradeId } from '../../wire/shapes.ts'
import type { Decoded, UnknownFields } from '../exchange/decode.ts'
import { choice, defineQuery, limitDefault, pageRows, uuid } from '../exchange/query.ts'

const disposition = choice(exceptionDispositions)

const exceptionsQuery = defineQuery({
  orderId: uuid,
  tradeId: {
    schema: TradeId,
    read: (text: string) => (/^\P{C}{1,64}$/u.test(text) ? text : undefined),
    rule: 'must be 1 to 64 characters',
  },
  disposition: {
    ...disposition,
    schema: Type.Array(disposition.schema, { description: 'May be repeated.' }),
    repeated: true,
  },
  resolved: {
    schema: Type.Boolean(),
    read: (text: string) => (text === 'true' ? true : text === 'false' ? false : undefined),
    rule: 'must be true or false',
  },
  ...pageRows('exception', (position) => canonicalUuid(position) ?? undefined),
})
export const ExceptionsQuery = exceptionsQuery.schema

export const decodeExceptionsQuery = (
  search: URLSearchParams,
  unknownFields: UnknownFields,
): Decoded<{ filter: ExceptionFilter; limit: number }> => {
  const query = exceptionsQuery.read(search, unknownFields)
  if (!query.ok) return query
  const { orderId, tradeId, disposition: dispositions, resolved, limit, cursor } = query.value
  const filter = { id: undefined, orderId, tradeId, dispositions, resolved, before: cursor }
  return { ok: true, value: { filter, limit: limit ?? limitDefault } }
}
