// Proves: a file that could not be read when it changed is in force as soon as it can be; a mark before its text is
// no part of it.

import { expect, test } from 'bun:test'
import { chmodSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { watchFile } from '../../../../src/http/gates/auth/watchedFile.ts'
import { temporaryDir } from '../../../support/servers.ts'
import { createTestLog } from '../../harness.ts'

const nobody = 65_534

/** Does it without the rights of root, who may read everything. */
const unprivileged = <T>(work: () => T): T => {
  const user = process.geteuid!()
  if (user === 0) process.seteuid!(nobody)
  try {
    return work()
  } finally {
    process.seteuid!(user)
  }
}

test('a file that replaced the watched one with no right to read it counts once that is given', () => {
  const dir = temporaryDir('watched')
  chmodSync(dir, 0o755)
  const [path, next] = [join(dir, 'file'), join(dir, 'next')]
  writeFileSync(path, 'before')
  const { log, lines } = createTestLog()
  let now = 0
  const file = watchFile({ path, setting: 'KEYS', parse: (text) => text, log, nowMs: () => (now += 2_000) })
  writeFileSync(next, 'after')
  chmodSync(next, 0)
  renameSync(next, path)
  expect(unprivileged(file.current)).toBe('before')
  chmodSync(path, 0o644)
  expect(unprivileged(file.current)).toBe('after')
  expect(lines.map(({ message }) => message)).toEqual(['KEYS: the changed file is in force'])
})

test('the mark that Windows writes before a text is no part of it', () => {
  const path = join(temporaryDir('watched'), 'file')
  writeFileSync(path, '\uFEFFbefore')
  const { log } = createTestLog()
  let now = 0
  const file = watchFile({ path, setting: 'KEYS', parse: (text) => text, log, nowMs: () => (now += 2_000) })
  expect(file.current()).toBe('before')
  writeFileSync(path, '\uFEFFafterwards')
  expect(file.current()).toBe('afterwards')
})
