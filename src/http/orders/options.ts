// What the routes that read and write orders are given.

import type { Service } from '../../app/service.ts'
import type { AmountDigits } from '../../domain/decimal.ts'
import type { UnknownFields } from '../exchange/decode.ts'

export type RouteOptions = {
  service: Service
  unknownFields: UnknownFields
  /** Whether answers are those of the Java service where its clients may lean on them (javaAnswers.ts). */
  javaCompatibility: boolean
  /** How many digits an amount of a new order may have. */
  amountDigits: AmountDigits
  bodyMaxBytes: number
  /** The same of a batch of orders. */
  batchBodyMaxBytes: number
  bodyDeadlineMs: number
  now: () => Date
}
