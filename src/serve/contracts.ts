// The contracts with the settings of this process: for the service that serves them, and for the commands that print them.

import { readSettings, type Config } from '../config/config.ts'
import type { Env } from '../config/env.ts'
import { reportGroup, topicsOf } from '../config/kafkaSettings.ts'
import type { AmountDigits } from '../domain/decimal.ts'
import ordersProto from '../grpc/proto/orders/v1/orders.proto' with { type: 'text' }
import type { ContractOptions } from '../http/contract/docs.ts'
import { createOpenApi } from '../http/contract/openapi.ts'
import { createAsyncApi } from '../kafka/contract/asyncapi.ts'
import { printLine } from '../telemetry/terminal.ts'
import { release } from '../version.ts'
import { accessOf } from './access.ts'
import { printFaults } from './schemaStart.ts'

type Settings = Omit<Config, 'database' | 'warnings'>

/** How many digits an amount of a new order may have here. */
export const amountDigitsOf = (settings: Settings): AmountDigits => ({
  integer: settings.AMOUNT_INTEGER_DIGITS_MAX,
  fraction: settings.AMOUNT_FRACTION_DIGITS_MAX,
})

export const contractsOf = (settings: Settings): ContractOptions => ({
  version: release,
  asyncApi: createAsyncApi({
    version: release,
    topics: topicsOf(settings),
    group: settings.KAFKA_CONSUMER_GROUP,
    reportGroup: reportGroup(settings),
    ceSource: settings.CE_SOURCE,
  }),
  proto: ordersProto,
})

/** Prints the document that `make` returns. The environment may be empty. Exit codes: 0, or 2 if a setting is bad. */
const print = async (env: Env, make: (settings: Settings) => unknown): Promise<number> => {
  const result = readSettings(env)
  if (!result.ok) {
    printFaults(result.faults)
    return 2
  }
  await printLine(JSON.stringify(await make(result.settings), null, 2))
  return 0
}

/** `orders openapi`, `orders asyncapi`, `orders proto` */
export const contractCommands = {
  openapi: (env: Env): Promise<number> =>
    print(env, (settings) =>
      createOpenApi({
        version: release,
        unknownFields: settings.ORDERS_UNKNOWN_FIELDS,
        javaCompatibility: settings.JAVA_COMPATIBILITY,
        bodyMaxBytes: settings.BODY_MAX_BYTES,
        batchBodyMaxBytes: settings.BATCH_BODY_MAX_BYTES,
        amountDigits: amountDigitsOf(settings),
        access: accessOf(settings),
      }),
    ),
  asyncapi: (env: Env): Promise<number> => print(env, (settings) => contractsOf(settings).asyncApi),
  /** No setting changes it. */
  proto: async (): Promise<number> => {
    await printLine(ordersProto.trimEnd())
    return 0
  },
} as const
