// Picks up a certificate that is renewed on disk, without a restart. It reads the files again at a steady pace: the tools that renew them
// (certbot, a mounted secret) notify nobody, and replace files or folders in ways that no file watcher sees.
//
// It does not share watchFile with the keys (http/gates/auth/watchedFile.ts): that reads one file whenever somebody uses it. Here two files
// have to fit each other, and they are pushed to the listener, which never asks for them.

import { sleep } from '../app/sleep.ts'
import { isKeyOf, readCertificates, readPrivateKey } from '../config/files.ts'
import type { TransportSettings } from '../config/transport.ts'
import type { Listener, ServerCertificate } from '../http/listener.ts'
import { describe, type Log } from '../telemetry/log.ts'

type Read = { ok: true; tls: ServerCertificate } | { ok: false; reason: string }

const readEveryMs = 10_000

/** Whose certificate: the beginning of the names of its settings. */
type Name = 'SERVER_TLS' | 'FIX_TLS'

const readPair = (name: Name, certPath: string, keyPath: string): Read => {
  const certificate = readCertificates(certPath)
  if (!certificate.ok) return { ok: false, reason: `${name}_CERT_FILE: ${certificate.reason}` }
  const key = readPrivateKey(keyPath)
  if (!key.ok) return { ok: false, reason: `${name}_KEY_FILE: ${key.reason}` }
  // This also happens between the writing of the two files.
  if (!isKeyOf(key.text, certificate.text)) return { ok: false, reason: 'the key is not that of the certificate' }
  return { ok: true, tls: { cert: certificate.text, key: key.text } }
}

type Keeping = { name: Name; listener: Pick<Listener, 'renew'>; log: Log; signal: AbortSignal; everyMs?: number }

/**
 * Runs until the signal. A certificate that cannot be used is logged, once for each reason, and the one in use is kept. Resolves at once if
 * there is none.
 */
export const keepCertificate = async (
  settings: TransportSettings,
  { name, listener, log, signal, everyMs = readEveryMs }: Keeping,
): Promise<void> => {
  const [cert, key] = [settings[`${name}_CERT_FILE`], settings[`${name}_KEY_FILE`]]
  if (cert === undefined || key === undefined) return
  const setting = `${name}_CERT_FILE`
  let current = cert.text + key.text
  let obstacle: string | null = null
  for (;;) {
    await sleep(everyMs, signal)
    if (signal.aborted) return
    try {
      const next = readPair(name, cert.path, key.path)
      if (!next.ok) throw new Error(next.reason)
      const renewed = next.tls.cert + next.tls.key
      if (renewed !== current) {
        listener.renew(next.tls)
        current = renewed
        log.info('the renewed certificate is in use', { setting })
      }
      obstacle = null
    } catch (error) {
      const fields = describe(error)
      if (fields.error !== obstacle)
        log.error('the renewed certificate cannot be used; the one before stays', { setting, ...fields })
      obstacle = fields.error
    }
  }
}
