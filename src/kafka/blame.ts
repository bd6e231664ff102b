// What a failed send blames, and its reason in the words of the broker.

import { describe } from '../telemetry/log.ts'
import { findErrorBy } from './library.ts'

/** What a refusal blames: a property of a record, or, if it is null, the brokers or the way to them. */
export type Blame = 'timestamp' | 'size' | 'record' | null

const blames = [
  ['INVALID_TIMESTAMP', 'timestamp'],
  ['MESSAGE_TOO_LARGE', 'size'],
  ['RECORD_LIST_TOO_LARGE', 'size'],
  ['INVALID_RECORD', 'record'],
  ['CORRUPT_MESSAGE', 'record'],
  ['POLICY_VIOLATION', 'record'],
  ['UNKNOWN_SERVER_ERROR', 'record'],
] as const

/** Errors of the library about brokers, connections and their answers. */
const clusterCodes = [
  'PLT_KFK_NETWORK',
  'PLT_KFK_TIMEOUT',
  'PLT_KFK_AUTHENTICATION',
  'PLT_KFK_RESPONSE',
  'PLT_KFK_PROTOCOL',
]

/** The partition cannot take anything now: it does not exist, has no leader, or no broker can say. */
export class PartitionUnavailable extends Error {
  override name = 'PartitionUnavailable'
}

export const blameOf = (error: unknown): Blame => {
  const fault = error instanceof Error ? error : new Error(String(error))
  const blame = blames.find(([apiId]) => findErrorBy(fault, 'apiId', apiId) !== null)
  if (blame !== undefined) return blame[1]
  if (fault instanceof PartitionUnavailable || clusterCodes.some((code) => findErrorBy(fault, 'code', code) !== null))
    return null
  // No request could be made from these records.
  return 'record'
}

/** What brokers say of records that they refuse, and also when something is wrong with themselves, which may pass. */
const ambiguousIds = ['CORRUPT_MESSAGE', 'UNKNOWN_SERVER_ERROR']

/** Whether a refusal that blames a record may be a fault of the broker all the same. */
export const mayBeOfBroker = (error: unknown): boolean =>
  error instanceof Error && ambiguousIds.some((apiId) => findErrorBy(error, 'apiId', apiId) !== null)

/** Whether splitting a refused request finds the record at fault, or requests that the broker takes. */
export const isWorthSplitting = (error: unknown): boolean => {
  const blame = blameOf(error)
  return blame === 'size' || blame === 'record'
}

/** The code and the message of the broker that refused a record; for any other error, its own description. */
export const refusalText = (error: unknown): string => {
  for (const [apiId] of blames) {
    const refusal = findErrorBy(error as Error, 'apiId', apiId) as
      | (Error & { serverErrorMessage?: string | null })
      | null
    if (refusal !== null) return `${apiId}: ${refusal.serverErrorMessage ?? refusal.message}`
  }
  return describe(error).error
}
