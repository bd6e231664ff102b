// Proves: every test file runs once, in as many processes at a time as there are lanes, and what each file wrote can be read.

import { expect, test } from 'bun:test'
import { createBlocks, groupsOf, lanesOf, runInLanes, showOutput } from './lanes.ts'

const filesOf = (room: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `tests/${room}/file${`${i}`.padStart(2, '0')}.test.ts`)

test('every file is in one group, the longest rooms first, in the order of names', () => {
  const files = [...filesOf('wire', 20), 'tests/architecture.test.ts', ...filesOf('e2e', 33), ...filesOf('chaos', 2)]
  const groups = groupsOf(files)
  expect(groups.flat().toSorted()).toEqual(files.toSorted())
  expect(groups.map((group) => [group[0], group.length])).toEqual([
    ['tests/chaos/file00.test.ts', 2],
    ['tests/e2e/file00.test.ts', 16],
    ['tests/e2e/file16.test.ts', 16],
    ['tests/e2e/file32.test.ts', 1],
    ['tests/architecture.test.ts', 16],
    ['tests/wire/file15.test.ts', 5],
  ])
  expect(groupsOf([])).toEqual([])
})

test('there is a lane for each core, and never more than four', () => {
  expect([0, 1, 2, 4, 64].map((cores) => lanesOf(cores))).toEqual([1, 1, 2, 4, 4])
})

test('a lane takes the next group when it is free, and goes on after one that failed', async () => {
  const begun: string[] = []
  const ends = new Map<string, (ok: boolean) => void>()
  const all = runInLanes(['a', 'b', 'c', 'd'], {
    lanes: 2,
    run: (group, at) => {
      begun.push(`${group}${at}`)
      return new Promise<boolean>((end) => ends.set(group, end))
    },
  })
  const end = async (group: string, ok: boolean): Promise<void> => {
    ends.get(group)!(ok)
    await Bun.sleep(0)
  }
  expect(begun).toEqual(['a0', 'b1'])
  await end('b', false)
  expect(begun).toEqual(['a0', 'b1', 'c2'])
  await end('c', true)
  await end('a', true)
  await end('d', true)
  expect(begun).toEqual(['a0', 'b1', 'c2', 'd3'])
  expect(await all).toBe(false)
  expect(await runInLanes(['a'], { lanes: 2, run: () => Promise.resolve(true) })).toBe(true)
})

test('what a file wrote comes together, and that it begins is shown at once', () => {
  const shown: string[] = []
  const { line, end } = createBlocks((block) => shown.push(block))
  for (const each of [
    'bun test',
    'tests/a/b.test.ts:',
    '(pass) tests/c.test.ts: is quoted',
    'tests/d.test.ts:',
    '(fail) e',
  ])
    line(each)
  end()
  end()
  expect(shown).toEqual([
    'bun test',
    'begins: tests/a/b.test.ts',
    'tests/a/b.test.ts:\n(pass) tests/c.test.ts: is quoted',
    'begins: tests/d.test.ts',
    'tests/d.test.ts:\n(fail) e',
  ])
})

test('both pipes of a process are read to their end', async () => {
  const shown: string[] = []
  const child = Bun.spawn(['sh', '-c', 'echo one; echo tests/a.test.ts: >&2; printf "no end of line" >&2'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  await showOutput(child, (block) => shown.push(block))
  expect(shown.join('\n').split('\n').toSorted()).toEqual([
    'begins: tests/a.test.ts',
    'no end of line',
    'one',
    'tests/a.test.ts:',
  ])
})
