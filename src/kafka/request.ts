// What the requests that we write ourselves have in common (produceRequest.ts, fetchRequest.ts): which version is asked for, and the exchange.

import type { Connection, Reader, Writer } from './library.ts'

/** The versions of a request that a broker takes. */
export type ApiVersions = { apiKey: number; minVersion: number; maxVersion: number }

/** The newest version between `least` and `newest` that the brokers take; null if they take none. */
export const versionOf = (
  apis: readonly ApiVersions[],
  { key, least, newest }: { key: number; least: number; newest: number },
): number | null => {
  const api = apis.find(({ apiKey }) => apiKey === key)
  if (api === undefined) return null
  const version = Math.min(newest, api.maxVersion)
  return version >= Math.max(least, api.minVersion) ? version : null
}

/** `flexible`: request and answer have compact lengths and tagged fields. */
type Exchange<Answer> = {
  key: number
  version: number
  flexible: boolean
  write: () => Writer
  read: (reader: Reader) => Answer
}

/** Sends a request, and resolves with what `read` makes of its answer. Rejects with the library's errors of the network. */
export const exchange = <Answer>(
  connection: Pick<Connection, 'send'>,
  { key, version, flexible, write, read }: Exchange<Answer>,
): Promise<Answer> =>
  new Promise((resolve, reject) =>
    connection.send(
      key,
      version,
      write,
      (_id, _key, _version, reader) => read(reader),
      flexible,
      flexible,
      (error, answer) => (error ? reject(error) : resolve(answer!)),
    ),
  )
