// A certificate that is renewed on disk is taken up without a restart. Its files are read again at a steady pace, because what
// renews them (certbot, a mounted secret) tells nobody, and replaces files or folders in ways that no watch of a file sees.
//
// Not one with watchFile of the keys (http/gates/auth/watchedFile.ts): there one file is read when somebody uses it; here two files have to
// fit each other, and a listener that nobody asks has to be given them.

import { sleep } from '../app/sleep.ts'
import { isKeyOf, readCertificates, readPrivateKey } from '../config/files.ts'
import type { Listener, ServerCertificate } from '../http/listener.ts'
import { describe, type Log } from '../telemetry/log.ts'
import type { TransportSettings } from '../config/transport.ts'

type Read = { ok: true; tls: ServerCertificate } | { ok: false; reason: string }

const lookEveryMs = 10_000

const readPair = (certPath: string, keyPath: string): Read => {
  const certificate = readCertificates(certPath)
  if (!certificate.ok) return { ok: false, reason: `SERVER_TLS_CERT_FILE: ${certificate.reason}` }
  const key = readPrivateKey(keyPath)
  if (!key.ok) return { ok: false, reason: `SERVER_TLS_KEY_FILE: ${key.reason}` }
  // Also while one of the two is written and the other is not yet.
  if (!isKeyOf(key.text, certificate.text)) return { ok: false, reason: 'the key is not that of the certificate' }
  return { ok: true, tls: { cert: certificate.text, key: key.text } }
}

/** Until the signal. What cannot be used is said and left; the certificate in use stays. Resolves at once without TLS. */
export const keepCertificate = async (
  { SERVER_TLS_CERT_FILE: cert, SERVER_TLS_KEY_FILE: key }: TransportSettings,
  listener: Pick<Listener, 'renew'>,
  { log, signal }: { log: Log; signal: AbortSignal },
): Promise<void> => {
  if (cert === undefined || key === undefined) return
  let used = cert.text + key.text
  for (;;) {
    await sleep(lookEveryMs, signal)
    if (signal.aborted) return
    const found = readPair(cert.path, key.path)
    if (found.ok && found.tls.cert + found.tls.key === used) continue
    try {
      if (!found.ok) throw new Error(found.reason)
      listener.renew(found.tls)
      used = found.tls.cert + found.tls.key
      log.info('the renewed certificate is in use')
    } catch (error) {
      log.error('the renewed certificate cannot be used; the one before stays', describe(error))
    }
  }
}
