// The bodies of requests in the document. There are two schemas of an order where POST /orders takes members that it does not know: other
// routes never do.

import type { AmountDigits } from '../../domain/decimal.ts'
import type { UnknownFields } from '../exchange/decode.ts'
import { PlaceBatch, placeOrderShape } from '../orders/decode.ts'
import { openAccess, orderBody, type PublishedAccess } from './openapiAccess.ts'
import { bodyExamples } from './openapiExamples.ts'
import { documentSchema, type Json } from './openapiSchema.ts'
import type { OperationContract } from './operation.ts'
import type { OperationId, Operations } from './operations.ts'
import { rulesByTimeInForce, termsByType } from './orderRules.ts'

export type BodyOptions = {
  unknownFields: UnknownFields
  bodyMaxBytes: number
  batchBodyMaxBytes: number
  /** How many digits an amount of a new order may have. */
  amountDigits: AmountDigits
  /** Who may call; everybody by default. */
  access?: PublishedAccess
}

const closedOrder = 'ClosedPlaceOrder'

/** The same schema, of the order that has no unknown members. */
const closedSchema = (schema: unknown): unknown =>
  JSON.parse(JSON.stringify(schema).replaceAll('/PlaceOrder"', `/${closedOrder}"`))

/** The schemas of the orders that a client sends, by their names. */
export const orderSchemas = ({ unknownFields, amountDigits, access = openAccess }: BodyOptions): Json => {
  const order = {
    ...orderBody(documentSchema(placeOrderShape(amountDigits), true) as Json, access),
    // Generators of clients take an `anyOf` beside members for the whole of the type, and leave the members out.
    allOf: [{ anyOf: termsByType }, ...rulesByTimeInForce],
  }
  const batch = documentSchema(PlaceBatch, true)
  if (unknownFields === 'refuse') return { PlaceOrder: order, PlaceBatch: batch }
  const open = { ...order, additionalProperties: true }
  return { PlaceOrder: open, [closedOrder]: order, PlaceBatch: closedSchema(batch) }
}

export const bodyOf = (
  operation: Operations[OperationId],
  { unknownFields, bodyMaxBytes, batchBodyMaxBytes }: BodyOptions,
): Json => {
  if (!('body' in operation)) return {}
  const { isYoung, bodyLimit }: OperationContract = operation
  const schema = documentSchema(operation.body)
  const isClosed = isYoung === true && unknownFields === 'ignore'
  const media = { schema: isClosed ? closedSchema(schema) : schema, ...bodyExamples[operation.id] }
  const description = `At most ${bodyLimit === 'batch' ? batchBodyMaxBytes : bodyMaxBytes} bytes.`
  return {
    requestBody: { required: true, description, content: { 'application/json': media, 'application/*+json': media } },
  }
}
