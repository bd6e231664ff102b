// Proves: over TLS and with callers that have to identify themselves, the gRPC door of the binary lets in whom HTTP lets in, and limits them alike; a
// certificate that is renewed on disk is shown by it too.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { status } from '@grpc/grpc-js'
import { freePort } from '../stack/ports.ts'
import { createAuthority, writeCertificate } from '../support/certificates.ts'
import { expect, test } from '../support/explained.ts'
import { orderBody, userId } from '../support/orderBody.ts'
import { temporaryDir } from '../support/servers.ts'
import { runBinary } from '../support/service.ts'
import { until } from '../support/until.ts'
import { createWorld } from '../support/world.ts'
import { detailsOf, openGrpcClient, type Json } from './client.ts'

const [exhausted, unavailable]: number[] = [status.RESOURCE_EXHAUSTED, status.UNAVAILABLE]
const authority = createAuthority('grpc authority')
const hosts = { hosts: ['127.0.0.1', 'localhost'] }
const order = (): Json => {
  const { quantity, price, ...rest } = orderBody()
  return { ...rest, quantity: String(quantity), price: String(price) }
}

const makeKey = async (id: string, ...args: string[]): Promise<{ key: string; line: string }> => {
  const { out } = await runBinary(['api-key', '--id', id, ...args])
  const [key, line] = out.split('\n') as [string, string]
  return { key, line }
}

test('keys, scopes, ids and limits hold over TLS; a renewed certificate is shown', async () => {
  const dir = temporaryDir('grpc')
  const files = writeCertificate(dir, 'server', authority.issue('before', hosts))
  const [reader, writer] = await Promise.all([
    makeKey('reader', '--subject', userId, '--scopes', 'orders:read'),
    makeKey('writer', '--subject', userId, '--scopes', 'orders:read,orders:write'),
  ])
  const keys = join(dir, 'keys.jsonl')
  writeFileSync(keys, `${reader.line}\n${writer.line}\n`)
  const port = await freePort()
  await using world = await createWorld({
    env: {
      GRPC_PORT: String(port),
      SERVER_TLS_CERT_FILE: files.cert,
      SERVER_TLS_KEY_FILE: files.key,
      AUTH_API_KEYS_FILE: keys,
      RATE_LIMIT_PER_SUBJECT_PER_SECOND: '1',
      RATE_LIMIT_PER_SUBJECT_BURST: '20',
    },
  })
  const service = await world.start()
  using clients = new DisposableStack()
  const open = (ca: string) => clients.adopt(openGrpcClient(port, { ca }), (one) => one.close())
  const client = open(authority.cert)
  const as = ({ key }: { key: string }) => ({ authorization: `Bearer ${key}` })

  expect(await client.call('Place', order())).toMatchObject({ code: status.UNAUTHENTICATED })
  expect(await client.call('Place', order(), as({ key: 'nobody' }))).toMatchObject({ code: status.UNAUTHENTICATED })
  expect(await client.call('Place', order(), as(reader))).toMatchObject({ code: status.PERMISSION_DENIED })
  const placed = await client.call('Place', order(), { 'x-api-key': writer.key, 'x-request-id': 'grpc-1' })
  expect(placed).toMatchObject({ code: status.OK })
  const id = String((placed.value!['order'] as Json)['id'])
  expect((await client.call('Get', { id }, as(reader))).code).toBe(status.OK)
  const [row] = await world.sql`select request_id, subject, origin from orders where id = ${id}`
  expect(row).toEqual({ request_id: 'grpc-1', subject: userId, origin: 'grpc' })
  expect((await open(createAuthority('another').cert).call('Get', { id }, as(reader))).code).toBe(status.UNAVAILABLE)

  const limited = await until(
    async () => {
      const outcome = await client.call('Get', { id }, as(reader))
      return outcome.code === exhausted && outcome
    },
    { what: 'the caller has had its turns' },
  )
  expect(detailsOf(limited.trailer)).toMatchObject({ ErrorInfo: { reason: 'RATE_LIMITED' } })

  writeCertificate(dir, 'server', createAuthority('next authority').issue('after', hosts))
  await until(async () => (await open(authority.cert).call('Get', { id }, as(reader))).code === unavailable, {
    what: 'the certificate of before is not shown any more',
  })
  expect(await service.stop()).toBe(0)
})
