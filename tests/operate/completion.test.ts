// Proves: `orders completion bash` makes a real bash complete subcommands, flags and their values, and its tables are true.

import { describe, expect, test } from 'bun:test'
import { inRepo } from '../../src/build/repository.ts'
import { otherCommands } from '../../src/commands/completion.ts'
import { pageNames } from '../../src/handbook/pages.ts'
import { commands } from '../../src/operate/commands.ts'

const run = (command: readonly string[], cwd?: string) => {
  const { stdout, stderr, exitCode } = Bun.spawnSync([...command], { ...(cwd !== undefined && { cwd }) })
  return { out: stdout.toString(), err: stderr.toString(), exitCode }
}
const orders = (...args: string[]) => run([process.execPath, inRepo('src', 'main.ts'), ...args])
const script = orders('completion', 'bash').out

/** What bash offers behind these words, the last of which is being typed. */
const offered = (words: readonly string[], cwd?: string): string[] => {
  const quoted = ['orders', ...words].map((word) => `'${word}'`).join(' ')
  const call = `${script}\nCOMP_WORDS=(${quoted}); COMP_CWORD=${words.length}; _orders; printf '%s\\n' "\${COMPREPLY[@]}"`
  const { out, err } = run(['bash', '--norc', '-c', call], cwd)
  expect(err).toBe('')
  return out.split('\n').filter((line) => line !== '')
}

describe('bash offers', () => {
  const cases = [
    [['pl'], ['place']],
    [['ca'], ['cancel']],
    [['li'], ['list', 'licenses']],
    [
      ['place', ''],
      ['BUY', 'SELL'],
    ],
    [['place', 'b'], ['BUY']],
    [['place', '--user', 'x', 'SE'], ['SELL']],
    [['place', 'BUY', '100', 'AAPL', '--li'], ['--limit']],
    [
      ['place', 'BUY', '100', 'AAPL', '--tif', ''],
      ['GTC', 'IOC', 'FOK', 'DAY', 'GTD'],
    ],
    [
      ['place', 'BUY', '100', 'AAPL', '--tif', 'g'],
      ['GTC', 'GTD'],
    ],
    [['place', '--tif', '=', 'D'], ['DAY']],
    [
      ['place', '--tif', '='],
      ['GTC', 'IOC', 'FOK', 'DAY', 'GTD'],
    ],
    [['place', '--limit', ''], []],
    [['list', '--status', 'o'], ['open']],
    [['list', '--status', 'P'], ['PARTIALLY_FILLED']],
    [['list', '--type', 'stop_'], ['STOP_LIMIT']],
    [
      ['list', '--triggered', ''],
      ['true', 'false'],
    ],
    [
      ['cancel', '--ticker', 'AAPL', '--side', ''],
      ['BUY', 'SELL'],
    ],
    [['cancel', '--on'], ['--only-new']],
    [
      ['instruments', ''],
      ['set', 'defaults', 'delist', 'changes'],
    ],
    [['instruments', 'set', '--ti'], ['--tick']],
    [['instruments', 'set', 'AAPL', '--tick', ''], ['none']],
    [['instruments', 'changes', '--l'], ['--limit']],
    [['instruments', '--l'], []],
    [['exceptions', 'r'], ['resolve']],
    [['exceptions', '--disposition', 'o'], ['OVERFILL']],
    [['completion', ''], ['bash']],
    [['help', 'run'], ['runbook']],
    [['health', ''], ['--ready']],
    [['explode', ''], []],
  ] as const
  test.each(cases)('%j: %j', (words, some) => {
    expect(offered(words).toSorted()).toEqual([...some].toSorted())
  })

  test('every subcommand, and every flag of a command', () => {
    const all = [...Object.keys(commands), ...Object.keys(otherCommands)].filter((name) => !name.includes(' '))
    expect(offered(['']).toSorted()).toEqual([...all, '--help', '--version'].toSorted())
    expect(offered(['get', '-']).toSorted()).toEqual(['--ca-file', '--events', '--fills', '--help', '--json', '--url'])
    expect(offered(['help', '']).toSorted()).toEqual([...pageNames].toSorted())
  })

  test('files where a file is asked for, with spaces in their names', () => {
    expect(offered(['watch', '--ca-file', 'READ'], inRepo())).toEqual(['README.md'])
    expect(offered(['list', '--ca-file', '=', 'tests/arch'], inRepo())).toEqual(['tests/architecture.test.ts'])
  })
})

test('is loaded as its first line says, and completes what is typed', () => {
  const call = `orders() { '${process.execPath}' '${inRepo('src', 'main.ts')}' "$@"; }; source <(orders completion bash); complete -p orders`
  expect(run(['bash', '--norc', '-c', call])).toEqual({ out: 'complete -F _orders orders\n', err: '', exitCode: 0 })
})

test('another shell is refused', () => {
  for (const args of [[], ['fish'], ['bash', 'x']]) {
    const refused = orders('completion', ...args)
    expect(refused).toMatchObject({ out: '', exitCode: 2 })
    expect(refused.err).toContain('only for bash')
  }
})

describe('orders --help', () => {
  const help = orders('--help').out
  /** The text of each subcommand there. */
  const entries = new Map(
    [...help.matchAll(/^ {2}orders (?:\[?([a-z-]+)\]?)([^\n]*(?:\n {10,}[^\n]+)*)/gm)].map(([, name, text]) => [
      name!,
      text!,
    ]),
  )

  test('lists every subcommand', () => {
    const names = [...Object.keys(commands), ...Object.keys(otherCommands)].filter((name) => !name.includes(' '))
    expect([...entries.keys()].filter((name) => !name.startsWith('-')).toSorted()).toEqual(names.toSorted())
  })

  test.each(Object.entries(otherCommands))('%s: the flags that it names are completed', (name, { flags }) => {
    const named = [...entries.get(name)!.matchAll(/--([a-z-]+)/g)].map(([, flag]) => flag!)
    expect(Object.keys(flags)).toEqual(expect.arrayContaining(named))
  })
})
