// Proves: the binary serves HTTPS: requests, its own health command, and a certificate that is renewed on disk.

import { connect } from 'node:tls'
import { freePort } from '../stack/ports.ts'
import { createAuthority, replaceFile, writeCertificate } from '../support/certificates.ts'
import { expect, test } from '../support/explained.ts'
import { orderBody } from '../support/orderBody.ts'
import { kafkaServer, temporaryDir } from '../support/servers.ts'
import { runBinary } from '../support/service.ts'
import { until } from '../support/until.ts'
import { createWorld } from '../support/world.ts'

const authority = createAuthority('http authority')

/** The name in the certificate that a verifying client sees. */
const shown = (port: number) =>
  new Promise<string>((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', ca: authority.cert }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN))
      socket.end()
    })
    socket.on('error', reject)
  })

test('orders are taken over HTTPS, and the health command asks over it', async () => {
  await kafkaServer()
  const files = writeCertificate(temporaryDir('https'), 'server', authority.issue('orders', { hosts: ['127.0.0.1'] }))
  const env = { SERVER_TLS_CERT_FILE: files.cert, SERVER_TLS_KEY_FILE: files.key }
  await using world = await createWorld({ env })
  const port = await freePort()
  const service = await world.start({ port })
  const response = await fetch(`https://127.0.0.1:${port}/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(orderBody()),
    tls: { ca: authority.cert },
  })
  expect(response.status).toBe(202)
  expect(await shown(port)).toBe('orders')

  const own = { ...env, SERVER_PORT: String(port) }
  expect(await runBinary(['health'], own)).toMatchObject({ exitCode: 0, out: expect.stringContaining('200') })
  expect(await runBinary(['health', '--ready'], own)).toMatchObject({ exitCode: 0 })
  expect(await runBinary(['health'], { SERVER_PORT: String(port) })).toMatchObject({ exitCode: 1 })
  expect(await service.stop()).toBe(0)
})

test('a certificate renewed on disk is shown without a restart; a broken one is said and the one before stays', async () => {
  const dir = temporaryDir('https')
  const write = (name: string) => writeCertificate(dir, 'server', authority.issue(name))
  const files = write('before')
  await using world = await createWorld({
    env: { SERVER_TLS_CERT_FILE: files.cert, SERVER_TLS_KEY_FILE: files.key },
  })
  const service = await world.start()
  expect(await shown(service.port)).toBe('before')

  replaceFile(files.key, createAuthority('x').key)
  expect(await service.logged('the renewed certificate cannot be used')).toMatchObject({
    setting: 'SERVER_TLS_CERT_FILE',
    error: 'the key is not that of the certificate',
  })
  expect(await shown(service.port)).toBe('before')

  write('after')
  await until(async () => (await shown(service.port)) === 'after', { what: 'the renewed certificate is shown' })
  expect((await service.post(orderBody())).status).toBe(202)
  expect(await service.stop()).toBe(0)
})
