// Proves: the command line of the matrix says which combinations run, and refuses in one sentence what cannot be run.

import { describe, expect, test } from 'bun:test'
import { Glob } from 'bun'
import { inRepo } from '../../src/build/repository.ts'
import { kafkaVersions, postgresVersions, stackKafka, stackPostgres } from '../stack/versions.ts'
import { defaultFolders, help, readOptions } from './options.ts'

const read = (line: string) => {
  const options = readOptions(line === '' ? [] : line.split(' '))
  if (options === 'help') throw new Error('help')
  return options
}
const combinations = (line: string): string[] =>
  read(line).combinations.map(({ postgres, kafka }) => `${postgres} ${kafka}`)

describe('the combinations', () => {
  test('are each PostgreSQL with our Kafka, and each other Kafka with our PostgreSQL', () => {
    expect(combinations('')).toEqual(['15 4.1', '16 4.1', '17 4.1', '18 4.1', '18 3.9'])
  })

  test('meet every version that the stack knows, its own among them', () => {
    const all = read('').combinations
    expect([...new Set(all.map(({ postgres }) => postgres))]).toEqual([...postgresVersions])
    expect(new Set(all.map(({ kafka }) => kafka))).toEqual(new Set(kafkaVersions))
    expect(all).toContainEqual({ postgres: stackPostgres, kafka: stackKafka })
  })

  test.each([
    ['--postgres 15,16', ['15 4.1', '16 4.1']],
    ['--kafka 3.9', ['18 3.9']],
    ['--kafka 3.9,4.1', ['18 3.9', '18 4.1']],
    ['--postgres 17 --kafka 3.9', ['17 3.9']],
    ['--postgres 15,18 --kafka 3.9,4.1', ['15 3.9', '15 4.1', '18 3.9', '18 4.1']],
    ['--postgres 16,16', ['16 4.1']],
  ])('of %j are %j', (line, expected) => {
    expect(combinations(line)).toEqual(expected)
  })
})

test('every folder is there, and --only chooses among all of tests/', () => {
  expect(read('').folders).toEqual(defaultFolders)
  for (const folder of defaultFolders)
    expect([...new Glob(`tests/${folder}/**/*.test.ts`).scanSync(inRepo())]).not.toEqual([])
  expect(read('--only store,http').folders).toEqual(['store', 'http'])
})

test('--publish is for the whole of the tests', () => {
  expect(read('--publish --postgres 15')).toMatchObject({ publish: true })
  expect(read('')).toMatchObject({ publish: false })
})

test.each(['--help', '-h', '--publish --only x --help'])('%s asks for help', (line) => {
  expect(readOptions(line.split(' '))).toBe('help')
})

test.each([
  ['--postgres 14', '--postgres: "14" is not one of 15, 16, 17, 18'],
  ['--postgres 15.18', '--postgres: "15.18" is not one of'],
  ['--postgres=', '--postgres: "" is not one of'],
  ['--kafka 4', '--kafka: "4" is not one of 3.9, 4.1'],
  ['--kafka 3.9,', '--kafka: "" is not one of'],
  ['--only ../src', '--only: "../src" is no folder of tests/'],
  ['--publish --only store', '--publish writes what the whole of the tests found'],
])('%s is refused, and the help follows', (line, message) => {
  expect(() => readOptions(line.split(' '))).toThrow(message)
  expect(() => readOptions(line.split(' '))).toThrow(help)
})

test.each(['--nonsense', 'store'])('%s is refused', (line) => {
  expect(() => readOptions([line])).toThrow(line)
})
