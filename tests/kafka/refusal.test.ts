// Proves: the words by which failures of a broker are recognized where the library has no code for them are still the library's.

import { expect, test } from 'bun:test'
import { createAdmin } from '../../src/kafka/client.ts'
import { refusalOf } from '../../src/kafka/refusal.ts'
import { isUnknownTopic } from '../../src/kafka/topics.ts'
import { ownTopics } from '../support/kafkaTopic.ts'

/** What the library throws at a broker that does this with the first bytes of each connection. */
const failureAt = async (onBytes: (socket: { end: (bytes?: Uint8Array) => unknown }) => void, tls = false) => {
  using server = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data: (socket) => onBytes(socket) } })
  const admin = createAdmin({
    bootstrapServers: [`127.0.0.1:${server.port}`],
    clientId: 'test',
    requestTimeoutMs: 2_000,
    ...(tls ? { tls: { ca: undefined, cert: undefined, key: undefined } } : {}),
  })
  try {
    return await admin.listTopics().then(
      () => null,
      (error: unknown) => error,
    )
  } finally {
    await admin.close()
  }
}

/** A fatal alert: what a server that speaks TLS answers to anything else. */
const tlsAlert = new Uint8Array([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x46])

test('a broker that speaks TLS where we do not', async () => {
  expect(refusalOf(await failureAt((socket) => socket.end(tlsAlert)))).toContain('must be SSL or SASL_SSL')
})

test('a broker that does not speak TLS where we do', async () => {
  expect(refusalOf(await failureAt((socket) => socket.end(), true))).toContain('does not speak TLS')
})

test('a broker that closes the connection', async () => {
  expect(refusalOf(await failureAt((socket) => socket.end()))).toContain('closed the connection')
})

test('a topic that does not exist, and an error that is none of these', async () => {
  await using own = await ownTopics(0)
  const admin = createAdmin(own.config)
  const error: unknown = await admin.metadata({ topics: [`absent-${crypto.randomUUID()}`] }).catch((e: unknown) => e)
  await admin.close()
  expect(isUnknownTopic(error)).toBe(true)
  expect(refusalOf(error)).toBeNull()
  expect(isUnknownTopic(await failureAt((socket) => socket.end()))).toBe(false)
})
