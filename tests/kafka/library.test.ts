// Proves: loading the Kafka library compiles none of its validators, each works when it is needed, and other users of Ajv are
// left alone. It runs in a process of its own, since the library may have been loaded here already.

import { expect, test } from 'bun:test'
import { inRepo } from '../../src/build/repository.ts'

const program = `
  import { Ajv2020 } from 'ajv/dist/2020.js'
  let compiled = 0
  const compile = Ajv2020.prototype.compile
  const counting = function (...args) { compiled++; return compile.apply(this, args) }
  Ajv2020.prototype.compile = counting
  const { Consumer, Producer } = await import('${inRepo('src', 'kafka', 'library.ts')}')
  const seen = { atLoad: compiled, restored: Ajv2020.prototype.compile === counting }
  const given = { clientId: 'c', bootstrapBrokers: ['localhost:1'], strict: true }
  const refusal = (create) => { try { create(); return null } catch (error) { return error.message } }
  seen.good = refusal(() => new Producer(given))
  seen.bad = refusal(() => new Consumer({ ...given, groupId: 'g', sessionTimeout: 'long' }))
  seen.badAgain = refusal(() => new Consumer({ ...given, groupId: 'g', sessionTimeout: 'long' }))
  console.log(JSON.stringify({ ...seen, compiled }))
  process.exit()
`

test('the Kafka library is loaded without compiling validators, and validates all the same', async () => {
  const child = Bun.spawn([process.execPath, '-e', program], { cwd: inRepo(), stdout: 'pipe', stderr: 'pipe' })
  const [told, complaint] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
  expect(complaint).toBe('')
  const { compiled, ...seen } = JSON.parse(told) as Record<string, unknown>
  expect(seen).toEqual({
    atLoad: 0,
    restored: true,
    good: null,
    bad: expect.stringContaining('/options/sessionTimeout must be number'),
    badAgain: seen['bad'],
  })
  expect(compiled).toBeGreaterThan(0)
  expect(compiled).toBeLessThan(10)
})
