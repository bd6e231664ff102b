// Proves: the command line takes what it documents, and answers anything else with one sentence.

import { describe, expect, test } from 'bun:test'
import { help, readOptions, workloadNames } from './options.ts'

const read = (...args: string[]) => readOptions(args)

describe('the options of the benchmark', () => {
  test('are all seven workloads in five rounds unless told otherwise', () => {
    expect(read()).toEqual({
      only: workloadNames,
      rounds: 5,
      seconds: 15,
      minutes: 30,
      millions: 10,
      resume: false,
      quick: false,
      publish: false,
      against: null,
    })
  })

  test('take workloads as a list, repeated, and in any case, in their own order', () => {
    expect(read('--only', 'w4,W1', '--only', 'W3')).toMatchObject({ only: ['W1', 'W3', 'W4'] })
  })

  test('read numbers', () => {
    expect(read('--rounds', '2', '--seconds', '3', '--minutes', '4', '--orders', '5')).toMatchObject({
      rounds: 2,
      seconds: 3,
      minutes: 4,
      millions: 5,
    })
  })

  test.each([
    [['--only', 'W15'], '--only takes W1'],
    [['--only', ''], '--only takes W1'],
    [['--rounds', '0'], '--rounds must be a whole number from 1 to 100'],
    [['--rounds', '2.5'], '--rounds must be a whole number'],
    [['--orders', '101'], '--orders must be a whole number from 1 to 100'],
    [['--quick', '--resume'], 'takes no --resume'],
    [['--fast'], 'fast'],
  ])('refuse %p', (args, sentence) => {
    expect(() => read(...args)).toThrow(sentence)
  })

  test('compare with a binary in seven rounds of three workloads', () => {
    expect(read('--against', process.execPath)).toMatchObject({
      against: process.execPath,
      only: ['W1', 'W2', 'W3', 'W4', 'W6', 'W12'],
      rounds: 7,
      seconds: 15,
    })
    expect(read('--against', process.execPath, '--only', 'w4', '--rounds', '2', '--seconds', '3')).toMatchObject({
      only: ['W4'],
      rounds: 2,
      seconds: 3,
    })
  })

  test.each([
    [['--only', 'W5'], '--only takes W1, W2, W3, W4, W6, W12, not "W5"'],
    [['--quick'], '--against takes no --quick'],
    [['--resume'], '--against takes no --resume'],
    [['--publish'], '--against takes no --publish'],
    [['--minutes', '30'], '--against takes no --minutes'],
    [['--orders', '10'], '--against takes no --orders'],
  ])('compare without %p', (args, sentence) => {
    expect(() => read('--against', process.execPath, ...args)).toThrow(sentence)
  })

  test.each(['/no/such/file', import.meta.dir, import.meta.path])('compare with a program, not %p', (path) => {
    expect(() => read('--against', path)).toThrow(`${path} is no file that can be run`)
  })

  test('say what there is', () => {
    expect(read('--help')).toBe('help')
    for (const name of workloadNames) expect(help).toContain(name)
  })
})
