// Proves: whether the keys of older orders were filled in is asked once, and whoever asks meanwhile gets that answer too.

import { expect, test } from 'bun:test'
import { createKeyFill } from '../../src/app/keyFill.ts'
import type { Database } from '../../src/store/sql.ts'

/** Answers look after look. */
const answering = (...looks: (boolean | Error)[]) => {
  let count = 0
  const run = async (): Promise<never> => {
    await Bun.sleep(0)
    const look = looks[count++]
    if (look instanceof Error) throw look
    return look as never
  }
  return { db: { run } as Pick<Database, 'run'> as Database, looks: () => count }
}

test('all who ask during the first look learn that all are filled in, and nobody looks again', async () => {
  const { db, looks } = answering(true)
  const keyFill = createKeyFill(db, () => 0)
  expect(await Promise.all([keyFill.isDone(), keyFill.isDone(), keyFill.isDone()])).toEqual([true, true, true])
  expect([await keyFill.isDone(), looks()]).toEqual([true, 1])
})

test('until they are, it looks every ten seconds', async () => {
  const { db, looks } = answering(false, true)
  let now = 0
  const keyFill = createKeyFill(db, () => now)
  expect([await keyFill.isDone(), await keyFill.isDone(), looks()]).toEqual([false, false, 1])
  now = 10_000
  expect([await keyFill.isDone(), looks()]).toEqual([true, 2])
})

test('a look that failed is an error of everybody who waited for it', async () => {
  const { db } = answering(new Error('away'))
  const keyFill = createKeyFill(db, () => 0)
  const answers = await Promise.allSettled([keyFill.isDone(), keyFill.isDone()])
  expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect(await keyFill.isDone()).toBe(false)
})
