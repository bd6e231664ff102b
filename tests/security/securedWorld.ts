// The real server on a port, over a real database, that wants to know who calls: tokens of an issuer of the test, and API keys of a file. Every
// answer is held against the document that this very service would publish.

import { expect } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createBuckets } from '../../src/app/rateLimit.ts'
import { amountDigits } from '../../src/domain/decimal.ts'
import { createOpenApi } from '../../src/http/contract/openapi.ts'
import { publishedAccess } from '../../src/http/contract/openapiAccess.ts'
import { keyText } from '../../src/http/gates/auth/apiKey.ts'
import { createKeyCheck } from '../../src/http/gates/auth/apiKeys.ts'
import { createTokenCheck } from '../../src/http/gates/auth/jwt.ts'
import { keysFromUrl } from '../../src/http/gates/auth/keySource.ts'
import type { Guard } from '../../src/http/gates/guard.ts'
import type { ServerOptions } from '../../src/http/server.ts'
import type { Log } from '../../src/telemetry/log.ts'
import { hashOf, newSecret } from '../../src/wire/secret.ts'
import { answerFaults, pathsOf, type Paths } from '../contracts/judge.ts'
import {
  createTestLog,
  openHarness,
  readAnswer,
  serverOptions,
  type Answer,
  type Call,
  type Harness,
  startServer,
} from '../http/harness.ts'
import { audience, createKey, issuerName, jwksOf, startKeyServer, tokenOf } from '../support/issuer.ts'
import { temporaryDir } from '../support/servers.ts'

export const alice = 'a11ce000-0000-4000-8000-000000000001'
export const bob = 'b0b00000-0000-4000-8000-000000000002'

export const issuerKey = await createKey('k1', 'RS256')

/** The caller of each API key of the file. */
const keyHolders = {
  alice: { subject: alice, scopes: ['orders:read', 'orders:write'] },
  reader: { subject: alice, scopes: ['orders:read'] },
  bob: { subject: bob, scopes: ['orders:read', 'orders:write'] },
  admin: { subject: 'ops', scopes: ['orders:admin'] },
} as const
type KeyHolder = keyof typeof keyHolders

export const documentOf = async (guard: Guard, management?: ServerOptions['management']) => {
  const access = publishedAccess(guard, management)
  const document = createOpenApi({
    version: 'test',
    unknownFields: 'refuse',
    bodyMaxBytes: 65_536,
    batchBodyMaxBytes: 1_048_576,
    amountDigits,
    access,
  })
  return JSON.parse(JSON.stringify(document)) as Record<string, unknown>
}

const pathsFor = async (guard: Guard): Promise<Paths> => pathsOf(await documentOf(guard))

/** A log that keeps every line, also what comes in floods. */
const createWholeLog = () => {
  const { log, lines } = createTestLog()
  const rarely: Log['rarely'] = (level, _, message, fields) => log[level](message, fields)
  return { log: { ...log, rarely, debugging: true }, lines }
}

export type Secured = {
  harness: Harness
  port: number
  guard: Guard
  paths: Paths
  keyServer: ReturnType<typeof startKeyServer>
  log: ReturnType<typeof createTestLog>
  /** API keys, by who holds them. */
  keys: Record<KeyHolder, string>
  /** `as`: the bearer token or API key to send. */
  call: (method: string, path: string, sent?: Call & { as?: string }) => Promise<Answer>
  token: (subject: string, scope: string, options?: Parameters<typeof tokenOf>[3]) => Promise<string>
  close: () => Promise<void>
}

type Options = {
  guard?: Partial<Guard>
  failures?: { perSecond: number; burst: number }
  server?: Partial<ServerOptions>
}

const makeKeys = (): { keys: Record<KeyHolder, string>; path: string } => {
  const path = join(temporaryDir('secured'), `${crypto.randomUUID()}.jsonl`)
  const newKeys = Object.entries(keyHolders).map(([id, holder]) => ({ id, secret: newSecret(), holder }))
  writeFileSync(
    path,
    newKeys.map(({ id, secret, holder }) => JSON.stringify({ id, hash: hashOf(secret), ...holder })).join('\n'),
  )
  const keys = Object.fromEntries(newKeys.map(({ id, secret }) => [id, keyText({ id, secret })]))
  return { keys: keys as Record<KeyHolder, string>, path }
}

const authenticationOf = (url: string, path: string, log: Log, failures: Options['failures']) => ({
  tokens: createTokenCheck({
    keys: keysFromUrl({ url, ageMaxMs: 600_000, cooldownMs: 30_000, timeoutMs: 60_000, log }),
    algorithms: ['RS256', 'ES256', 'EdDSA'] as const,
    issuer: issuerName,
    audience,
    audienceClaim: ['aud'],
    scopeClaims: [['scope'], ['scp'], ['scopes']],
    subjectClaim: 'sub',
    clockToleranceSeconds: 5,
    cacheTokensMax: 1_000,
    cacheAgeMaxMs: 300_000,
    nowMs: Date.now,
  }),
  keys: createKeyCheck(path, log, Date.now),
  failures: failures === undefined ? null : createBuckets({ ...failures, keysMax: 1_000, nowMs: () => 0 }),
})

export const openSecured = async ({
  guard: changed = {},
  failures,
  server: changedServer = {},
}: Options = {}): Promise<Secured> => {
  const log = createWholeLog()
  const harness = await openHarness({ service: () => ({ log: log.log }) })
  const keyServer = startKeyServer(jwksOf(issuerKey))
  const { keys, path } = makeKeys()
  const guard: Guard = {
    authentication: authenticationOf(keyServer.url, path, log.log, failures),
    limits: null,
    ...changed,
  }
  const options = serverOptions({ service: harness.service, guard, log: log.log, ...changedServer })
  const server = startServer(options)
  const paths = await pathsFor(guard)
  return {
    harness,
    port: server.port,
    guard,
    paths,
    keyServer,
    log,
    keys,
    async call(method, path, { body, headers = {}, as } = {}) {
      const text = typeof body === 'object' ? JSON.stringify(body) : body
      const own = {
        ...(text === undefined ? {} : { 'content-type': 'application/json' }),
        ...(as === undefined ? {} : { authorization: `Bearer ${as}` }),
      }
      const init = { method, headers: { ...own, ...headers }, ...(text === undefined ? {} : { body: text }) }
      const answer = await readAnswer(await fetch(`http://127.0.0.1:${server.port}${path}`, init))
      expect(answerFaults({ method, path, ...answer }, paths)).toEqual([])
      return answer
    },
    token: (subject, scope, options) => tokenOf(issuerKey, subject, scope, options),
    async close() {
      await server.stop()
      keyServer.stop()
      await harness.close()
    },
  }
}
