// Proves: tools and machine are checked before anything starts.

import { describe, expect, test } from '../../support/explained.ts'
import { parseTestFsync } from './machine.ts'
import { findTools } from './tools.ts'
import { postgresSettings } from './world.ts'

describe('the tools', () => {
  test('are found', () => {
    expect(findTools({ wrk: '/usr/bin/wrk', pgbench: '/opt/pgbench' })).toMatchObject({
      wrk: '/usr/bin/wrk',
      pgbench: '/opt/pgbench',
    })
  })

  test.each([
    [{ wrk: null, pgbench: 'x' }, 'bench needs wrk, which is not here (Debian: apt-get install wrk).'],
    [{ wrk: 'x', pgbench: null }, 'bench needs pgbench, which is not here (Debian: apt-get install postgresql).'],
    [
      { wrk: null, pgbench: null },
      'bench needs wrk and pgbench, which are not here (Debian: apt-get install wrk postgresql).',
    ],
  ])('that are missing are named in one sentence', (found, sentence) => {
    expect(findTools(found)).toBe(sentence)
  })
})

test('durability is on, whatever the memory', () => {
  for (const gigabytes of [1, 16, 512])
    expect(postgresSettings(gigabytes * 2 ** 30)).toMatchObject({
      fsync: 'on',
      synchronous_commit: 'on',
      full_page_writes: 'on',
      track_commit_timestamp: 'on',
    })
  expect(postgresSettings(16 * 2 ** 30)['shared_buffers']).toBe('2048MB')
  expect(postgresSettings(512 * 2 ** 30)['shared_buffers']).toBe('4096MB')
})

test('of pg_test_fsync counts the first line of the method that Postgres uses', () => {
  const output = `Compare file sync methods using one 8kB write:
        open_datasync                      1111.111 ops/sec     900 usecs/op
        fdatasync                          2222.333 ops/sec     450 usecs/op
Compare file sync methods using two 8kB writes:
        fdatasync                          1500.000 ops/sec     667 usecs/op
`
  expect(parseTestFsync(output)).toBe('fdatasync 2222.333/s, 450 µs each')
  expect(parseTestFsync('permission denied')).toContain('did not measure')
})
