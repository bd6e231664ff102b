// Proves: an API key opens what its line in the file says, until it ends; the file may change while the service runs, and a
// faulty one changes nothing; neither the file nor a message about its faults contains a secret.

import { describe, expect, test } from 'bun:test'
import { unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { keyText, parseKey } from '../../../../src/http/gates/auth/apiKey.ts'
import { createKeyCheck, parseKeys } from '../../../../src/http/gates/auth/apiKeys.ts'
import type { Log } from '../../../../src/telemetry/log.ts'
import { hashOf, newSecret } from '../../../../src/wire/secret.ts'
import { temporaryDir } from '../../../support/servers.ts'
import { createTestLog } from '../../harness.ts'

const user = '6f1c2f52-3a39-4c3e-9d44-0d7a0a6a7c11'
const secret = newSecret()
const line = (changed: object = {}): string =>
  JSON.stringify({ id: 'desk', hash: hashOf(secret), subject: user, scopes: ['orders:read'], ...changed })
const key = (id = 'desk', of = secret): string => keyText({ id, secret: of })

let files = 0
const fileOf = (text: string): string => {
  const path = join(temporaryDir('keys'), `keys-${++files}.jsonl`)
  writeFileSync(path, text)
  return path
}
const checkOf = (text: string, nowMs: () => number = Date.now) =>
  createKeyCheck(fileOf(text), createTestLog().log, nowMs)

describe('a key', () => {
  test('is 256 random bits behind an id', () => {
    expect(Buffer.from(secret, 'base64url')).toHaveLength(32)
    expect(newSecret()).not.toBe(secret)
    expect(parseKey(key())).toEqual({ id: 'desk', secret })
    for (const text of ['', 'ok_', `ok_desk_${secret}x`, `ok_DESK_${secret}`, `ok__${secret}`, secret, `${key()}\n`])
      expect(parseKey(text)).toBeNull()
  })

  test('opens what its line says', () => {
    for (const text of [line(), `\n${line()}\n\n`, `[${line()}]`, ` [\n${line({ expires: null })}]`])
      expect(checkOf(text)(key())).toEqual({
        ok: true,
        caller: { subject: user, userId: user, scopes: new Set(['orders:read']), credential: 'key:desk' },
        expiresAtMs: Infinity,
      })
    const dated = checkOf(line({ expires: '2999-01-02T03:04:05Z' }))(key())
    expect(dated.ok && dated.expiresAtMs).toBe(Date.parse('2999-01-02T03:04:05Z'))
  })

  test('that differs in one character, or has another id, opens nothing', () => {
    const check = checkOf(`${line()}\n${line({ id: 'two', hash: hashOf(newSecret()) })}`)
    const flipped = (at: number): string =>
      secret.slice(0, at) + (secret[at] === 'A' ? 'B' : 'A') + secret.slice(at + 1)
    // The last character carries two bits that no byte has: it is text that is compared, not bytes.
    for (const at of [0, 20, 42])
      expect(check(key('desk', flipped(at)))).toMatchObject({ ok: false, refusal: 'invalid' })
    expect(check(key('two'))).toMatchObject({ ok: false, refusal: 'invalid' })
    expect(check(key('three'))).toMatchObject({ ok: false, refusal: 'invalid' })
    expect(check('nonsense')).toMatchObject({ ok: false, refusal: 'invalid' })
  })

  test('ends when its line says so', () => {
    let now = Date.parse('2027-01-02T03:04:04.999Z')
    const check = checkOf(line({ expires: '2027-01-02T03:04:05Z' }), () => now)
    expect(check(key()).ok).toBeTrue()
    now += 1
    expect(check(key())).toMatchObject({ ok: false, refusal: 'expired' })
  })
})

describe('the file', () => {
  test.each<[string, string, RegExp]>([
    ['no JSON', '{', /key 1: is not valid JSON/],
    ['no object', '7', /key 1: must be a JSON object/],
    ['an id of other letters', line({ id: 'A b' }), /key 1: id must be/],
    ['no hash', line({ hash: secret }), /key 1: hash must be/],
    ['no scopes', line({ scopes: [] }), /key 1: scopes must be/],
    ['an unknown scope', line({ scopes: ['orders:everything'] }), /key 1: scopes must be/],
    ['a subject that is no user', line({ subject: 'alice' }), /key 1: subject must be/],
    ['a misspelt member', line({ expire: '2027-01-02T03:04:05Z' }), /key 1: has only/],
    ['an end that is none', line({ expires: 'soon' }), /key 1: expires must be/],
    ['an end on a day that no calendar has', line({ expires: '2027-02-30T00:00:00Z' }), /key 1: expires must be/],
    ['one id twice', `${line()}\n${line()}`, /two keys have one id/],
    ['a second line that is bad', `${line()}\n${line({ id: 'b', scopes: 'orders:read' })}`, /key 2: scopes/],
  ])('is refused with a sentence that quotes nothing: %s', (_, text, fault) => {
    expect(() => parseKeys(text)).toThrow(fault)
    try {
      parseKeys(text)
    } catch (error) {
      expect(String(error)).not.toContain(secret)
      expect(String(error)).not.toContain(user)
    }
  })

  test('may be empty: nobody is let in', () => {
    expect(checkOf('')(key())).toMatchObject({ ok: false, refusal: 'invalid' })
  })

  test('that is missing at the start is an error', () => {
    expect(() => createKeyCheck('/nowhere/keys.jsonl', createTestLog().log, Date.now)).toThrow(/no such file/)
  })

  test('is read again when it changes; a faulty one changes nothing and is in the log', async () => {
    const path = fileOf(line())
    const { log, lines } = createTestLog()
    const rarely: Log['rarely'] = (level, _, message, fields) => log[level](message, fields)
    const check = createKeyCheck(path, { ...log, rarely }, Date.now)
    const change = async (write: () => void): Promise<void> => {
      write()
      await Bun.sleep(1_050)
    }
    expect(check(key()).ok).toBeTrue()
    await change(() => writeFileSync(path, line({ id: 'new' })))
    expect([check(key()).ok, check(key('new')).ok]).toEqual([false, true])
    await change(() => writeFileSync(path, `${line({ id: 'new' })}\n{"broken`))
    expect(check(key('new')).ok).toBeTrue()
    await change(() => unlinkSync(path))
    expect(check(key('new')).ok).toBeTrue()
    await change(() => writeFileSync(path, line()))
    expect([check(key()).ok, check(key('new')).ok]).toEqual([true, false])
    const said = lines.map(({ level, message }) => `${level} ${message.split(': ')[1]}`)
    expect(said).toEqual([
      'info the changed file is in force',
      'error the file cannot be used; what was read before stays in force',
      'error the file cannot be used; what was read before stays in force',
      'info the changed file is in force',
    ])
    expect(JSON.stringify(lines)).not.toContain(secret)
  })
})
