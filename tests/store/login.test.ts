// Proves: connections of one password derive the key of their login once, and nobody has the key of another.

import { expect, spyOn, test } from 'bun:test'
import crypto, { pbkdf2Sync as derivation } from 'node:crypto'
import { remembering } from '../../src/store/login.ts'
import { createDatabase } from '../support/database.ts'

const counted = () => {
  const asked: unknown[][] = []
  const derive = remembering((...question) => {
    asked.push(question)
    return derivation(...question)
  })
  return { asked, derive }
}

const question = ['secret', Buffer.from('a salt'), 2, 32, 'sha256'] as const

test('the same question is derived once, and each caller has a copy', () => {
  const { asked, derive } = counted()
  const expected = derivation(...question).toString('hex')
  derive(...question).fill(0)
  derive(...question).fill(0)
  expect(derive(...question).toString('hex')).toBe(expected)
  expect(asked).toHaveLength(1)
})

test('another password, salt, count, length or digest is another question', () => {
  const { derive } = counted()
  derive(...question)
  const others: Parameters<typeof derive>[] = [
    ['secreT', question[1], 2, 32, 'sha256'],
    ['secret', Buffer.from('a salT'), 2, 32, 'sha256'],
    ['secret', question[1], 3, 32, 'sha256'],
    ['secret', question[1], 2, 31, 'sha256'],
    ['secret', question[1], 2, 32, 'sha512'],
  ]
  for (const other of others) expect(derive(...other)).toEqual(derivation(...other))
})

test('a server that sends a new salt each time takes no more memory for it', () => {
  const { asked, derive } = counted()
  const salts = Array.from({ length: 17 }, (_, salt) => `${salt}`)
  for (const salt of salts) derive('secret', salt, 1, 32, 'sha256')
  derive('secret', salts.at(-1)!, 1, 32, 'sha256')
  expect(asked).toHaveLength(17)
  derive('secret', salts[0]!, 1, 32, 'sha256')
  expect(asked).toHaveLength(18)
})

test('the driver takes it', async () => {
  expect(crypto.pbkdf2Sync).not.toBe(derivation)
  await using database = await createDatabase()
  const derive = spyOn(crypto, 'pbkdf2Sync')
  try {
    await database.open({ connections: 1 }).run((sql) => sql`select 1`)
    expect(derive).toHaveBeenCalledTimes(1)
  } finally {
    derive.mockRestore()
  }
})
