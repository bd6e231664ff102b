// Proves: every rule of the contract about an order's life names the tests that hold it, and they are there.

import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { lifeRules } from './lifeRules.ts'

const folder = join(import.meta.dir, '..')

test.each(lifeRules.map((rule) => [rule.rule, rule] as const))('%s', async (_, rule) => {
  if ('notYet' in rule) return expect(rule.notYet).not.toBe('')
  expect(rule.tests).not.toEqual([])
  for (const [path, name] of rule.tests) {
    const file = Bun.file(join(folder, path))
    expect({ path, exists: await file.exists() }).toEqual({ path, exists: true })
    // A name stands there as the source writes it.
    expect(await file.text()).toContain(name.replaceAll("'", "\\'"))
  }
})
