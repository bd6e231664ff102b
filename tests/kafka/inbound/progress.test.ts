// Proves: the offset of a message moves once its legs have their dispositions and the letters of all messages before it are
// written, in its own partition; messages taken before a partition is read again move none; what waits behind a letter is
// bounded.

import { expect, test } from 'bun:test'
import type { RawMessage } from '../../../src/kafka/client.ts'
import { createProgress } from '../../../src/kafka/inbound/progress.ts'
import { until } from '../../support/until.ts'

const message = (partition: number, offset: number): RawMessage =>
  ({
    partition,
    offset: BigInt(offset),
    key: null,
    value: Buffer.from('x'),
    headers: new Map(),
  }) as unknown as RawMessage
const messages = (partition: number, from: number, count: number): RawMessage[] =>
  Array.from({ length: count }, (_, n) => message(partition, from + n))

const createWorld = () => {
  const committed: string[] = []
  const again: string[] = []
  const failures: unknown[] = []
  const progress = createProgress({
    commits: { put: (done) => void committed.push(`${done[0]!.partition}@${done.at(-1)!.offset}`) },
    readAgain: (partition, from) => void again.push(`${partition}@${from}`),
    fail: (error) => void failures.push(error),
  })
  return { committed, again, failures, progress }
}
const letter = () => {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  return { send: () => promise, written: resolve, refused: reject }
}

test('without letters an offset moves at once, by partition', () => {
  const { committed, progress } = createWorld()
  const batch = progress.take([message(0, 1), message(1, 7), message(0, 2)])
  expect(progress.isDone(0)).toBe(false)
  for (const part of batch) progress.settle(part, undefined)
  expect(committed).toEqual(['0@2', '1@7'])
  expect(progress.isDone(0)).toBe(true)
})

test('behind a letter the offsets of its partition wait, in their order; the others do not', async () => {
  const { committed, progress } = createWorld()
  const [first, second] = [letter(), letter()]
  const [a] = progress.take([message(0, 1)])
  const [b] = progress.take([message(0, 2)])
  const [c] = progress.take([message(0, 3)])
  const [other] = progress.take([message(1, 9)])
  progress.settle(a!, first.send)
  progress.settle(b!, second.send)
  progress.settle(c!, undefined)
  progress.settle(other!, undefined)
  second.written()
  await Bun.sleep(5)
  expect(committed).toEqual(['1@9'])
  expect(progress.isDone(0)).toBe(false)
  first.written()
  await progress.whenIdle()
  expect(committed).toEqual(['1@9', '0@1', '0@2', '0@3'])
  expect(progress.isDone(0)).toBe(true)
})

test('messages taken before the partitions were dealt out anew move no offset', async () => {
  const { committed, progress } = createWorld()
  const own = letter()
  const [early] = progress.take([message(0, 1)])
  const [lettered] = progress.take([message(0, 2)])
  progress.settle(lettered!, own.send)
  progress.forget()
  progress.settle(early!, undefined)
  own.written()
  await progress.whenIdle()
  expect(committed).toEqual([])
  expect(progress.isDone(0)).toBe(true)
  const [fresh] = progress.take([message(0, 1)])
  progress.settle(fresh!, undefined)
  expect(committed).toEqual(['0@1'])
})

test('past the bound the rest is read again once the letters are written, and not before', async () => {
  const { committed, again, progress } = createWorld()
  const own = letter()
  const settle = (from: number, count: number): void => {
    for (const part of progress.take(messages(0, from, count))) progress.settle(part, own.send)
  }
  settle(0, 1_500)
  settle(1_500, 1_500)
  settle(3_000, 10)
  settle(3_010, 10)
  expect(again).toEqual([])
  own.written()
  await until(() => again.length > 0, { what: 'it is read again' })
  expect(again).toEqual(['0@3000'])
  expect(committed).toEqual(['0@1499', '0@2999'])
  expect(progress.isDone(0)).toBe(true)
})

test('a letter that fails for good is said, and the offset stays', async () => {
  const { committed, failures, progress } = createWorld()
  const own = letter()
  const [part] = progress.take([message(0, 1)])
  progress.settle(part!, own.send)
  own.refused(new Error('cut off'))
  await until(() => failures.length > 0, { what: 'it is said' })
  expect(committed).toEqual([])
})

test('after a letter that was given up, nothing that was taken before moves the offset of its partition', async () => {
  const { committed, failures, progress } = createWorld()
  const given = letter()
  const [a] = progress.take([message(0, 1)])
  const [b] = progress.take([message(0, 2)])
  const [other] = progress.take([message(1, 9)])
  progress.settle(a!, given.send)
  given.refused()
  await until(() => failures.length > 0, { what: 'the letter is given up' })
  progress.settle(b!, () => Promise.resolve())
  progress.settle(other!, undefined)
  await progress.whenIdle()
  expect(committed).toEqual(['1@9'])
})

test('how far a partition is finished: up to the first message whose letter is not written, and unknown after it was dealt out anew', async () => {
  const { progress } = createWorld()
  expect(progress.finishedTo(0)).toBeNull()
  const late = letter()
  const [a] = progress.take(messages(0, 1, 2))
  const [b] = progress.take([message(0, 3)])
  const [c] = progress.take([message(0, 4)])
  progress.settle(a!, undefined)
  progress.settle(b!, late.send)
  progress.settle(c!, undefined)
  expect(progress.finishedTo(0)).toBe(3n)
  late.written()
  await progress.whenIdle()
  expect(progress.finishedTo(0)).toBe(5n)
  progress.forget()
  expect(progress.finishedTo(0)).toBeNull()
})

test('a partition is not done between its last letter and the reading of what was given up behind it', async () => {
  const seen: boolean[] = []
  const progress = createProgress({
    commits: { put: () => queueMicrotask(() => seen.push(progress.isDone(0))) },
    readAgain: () => undefined,
    fail: () => undefined,
  })
  const late = letter()
  const parts = [messages(0, 1, 3_000), messages(0, 3_001, 1)].flatMap((batch) => progress.take(batch))
  progress.settle(parts[0]!, late.send)
  progress.settle(parts[1]!, undefined)
  late.written()
  await progress.whenIdle()
  expect(seen).toEqual([false])
  expect(progress.isDone(0)).toBe(true)
})
