// Proves: a pair that is renewed on disk reaches its listener; one that cannot be used is said once, with the setting that names it.

import { afterEach, beforeEach, expect, test } from 'bun:test'
import type { TransportSettings } from '../../src/config/transport.ts'
import { keepCertificate } from '../../src/serve/certificateWatch.ts'
import { createAuthority, replaceFile, writeCertificate } from '../support/certificates.ts'
import { temporaryDir } from '../support/servers.ts'
import { until } from '../support/until.ts'
import { createTestLog } from './harness.ts'

const everyMs = 5
const authority = createAuthority('watched authority')
let stopping: AbortController
beforeEach(() => {
  stopping = new AbortController()
})
afterEach(() => stopping.abort())

const textOf = async (path: string) => ({ path, text: await Bun.file(path).text() })

/** Watches a pair of files; `renewed`: the certificates that the listener was given. */
const watch = async () => {
  const dir = temporaryDir('certificates')
  const write = (name: string) => writeCertificate(dir, 'fix', authority.issue(name))
  const files = write('before')
  const { log, lines } = createTestLog()
  const renewed: string[] = []
  const settings = { FIX_TLS_CERT_FILE: await textOf(files.cert), FIX_TLS_KEY_FILE: await textOf(files.key) }
  const kept = keepCertificate(settings as unknown as TransportSettings, {
    name: 'FIX_TLS',
    listener: { renew: ({ cert }) => void renewed.push(cert) },
    log,
    signal: stopping.signal,
    everyMs,
  })
  return { files, lines, write, renewed, kept }
}

test('a renewed pair is given to the listener once', async () => {
  const { files, lines, write, renewed, kept } = await watch()
  write('after')
  await until(() => renewed.length > 0, { what: 'the listener has the new pair' })
  await Bun.sleep(10 * everyMs)
  expect(renewed).toEqual([await Bun.file(files.cert).text()])
  expect(lines).toEqual([
    { level: 'info', message: 'the renewed certificate is in use', fields: { setting: 'FIX_TLS_CERT_FILE' } },
  ])
  stopping.abort()
  await kept
})

test('a pair that cannot be used is said once for each reason, and again after one that could be', async () => {
  const { files, lines, write, renewed } = await watch()
  const failures = () => lines.filter(({ level }) => level === 'error').map(({ fields }) => fields)
  const mismatch = { setting: 'FIX_TLS_CERT_FILE', error: 'the key is not that of the certificate' }
  replaceFile(files.key, createAuthority('x').key)
  await until(() => failures().length > 0, { what: 'the pair is refused' })
  await Bun.sleep(10 * everyMs)
  expect(failures()).toEqual([mismatch])

  write('after')
  await until(() => renewed.length > 0, { what: 'the listener has the new pair' })
  replaceFile(files.key, createAuthority('y').key)
  await until(() => failures().length > 1, { what: 'the next pair is refused' })
  expect(failures()).toEqual([mismatch, mismatch])
})
