// Proves: a word or a flag that is none is refused with the right ones, and --help of a subcommand helps and does nothing else.

import { describe, expect, test } from 'bun:test'
import { inRepo } from '../../src/build/repository.ts'
import { otherCommands } from '../../src/commands/completion.ts'
import { commands } from '../../src/operate/commands.ts'
import { like, meant } from '../../src/operate/meant.ts'

/** Without a database: what would begin to work ends with a fault. */
const orders = (...args: string[]) => {
  const { stdout, stderr, exitCode } = Bun.spawnSync([process.execPath, inRepo('src', 'main.ts'), ...args], {
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'] },
  })
  return { out: stdout.toString(), err: stderr.toString(), exitCode }
}

test.each([
  ['lst', ['list']],
  ['HALTS', ['halt']],
  ['sett', ['set']],
  ['resmue', ['resume']],
  ['cancle', ['cancel']],
  ['foo', []],
  ['', []],
] as const)('like %j are %j', (word, found) => {
  expect(like(word, ['list', 'halt', 'set', 'resume', 'cancel', 'exceptions'])).toEqual([...found])
})

test('those that are equally like it are all named, and a nearer one alone', () => {
  expect(meant('get', ['set', 'gets', 'let'])).toBe(': did you mean set or gets or let?')
  expect(meant('sat', ['set', 'sit', 'gate'])).toBe(': did you mean set or sit?')
  expect(meant('gat', ['gate', 'great'])).toBe(': did you mean gate?')
})

describe('refused with exit code 2', () => {
  test.each([
    [['halts'], ['no subcommand "halts": did you mean halt?', 'orders --help']],
    [['foo'], ['no subcommand "foo"', 'There are place, cancel,', ' exceptions,', ' serve,', ' help.']],
    [
      ['exceptions', 'list'],
      ['"list" is too much', 'usage: orders exceptions [resolve <id> '],
    ],
    [['exceptions', 'resolv', 'x'], ['did you mean orders exceptions resolve?']],
    [['instruments', 'sett', 'AAPL', '--tick', '1'], ['did you mean orders instruments set?']],
    [['list', '--statuss', 'open'], ['there is no --statuss here: did you mean --status?']],
    [['health', '--redy'], ['orders health: "--redy" is not known here: known is --ready']],
    [['migrate', '--dry-run'], ['orders migrate: "--dry-run" is not known here: it takes no arguments']],
    [['serve', '--server.port=80'], ['orders serve: "--server.port=80" is not known here']],
  ] as const)('%j: %j', (args, texts) => {
    const { out, err, exitCode } = orders(...args)
    expect({ out, exitCode }).toEqual({ out: '', exitCode: 2 })
    for (const text of texts) expect(err).toContain(text)
  })
})

test.each([...Object.keys(commands), ...Object.keys(otherCommands)])('orders %s --help says what it does', (name) => {
  const { out, err, exitCode } = orders(...name.split(' '), '--help')
  expect({ err, exitCode }).toEqual({ err: '', exitCode: 0 })
  expect(out.trimStart()).toMatch(new RegExp(`^orders \\[?${name}\\b`))
})
