// Proves: at a real terminal a question waits for "yes", Ctrl-C does nothing, a table fits and has colours; without a terminal nothing asks.

import { describe, expect, test } from 'bun:test'
import { inRepo } from '../../src/build/repository.ts'
import { until } from '../support/until.ts'
import { json, startFake } from './desk.ts'

const main = `${process.execPath} ${inRepo('src', 'main.ts')}`
const order = {
  id: '01a21972-22c8-7629-9c2b-3d0639827f49',
  userId: 'a11ce000-0000-4000-8000-000000000001',
  ticker: 'AAPL',
  side: 'BUY',
  quantity: 100,
  price: 187.5,
  status: 'PARTIALLY_FILLED',
}
const service = () =>
  startFake(({ method }) =>
    method === 'GET' ? json(200, { orders: [order], nextCursor: null }) : json(200, { state: 'HALTED' }),
  )

/** `orders <line>` under a pseudo-terminal of 90 columns; `keys` are typed once it has asked. */
const atTerminal = async (line: string, keys?: string, env: Record<string, string> = {}) => {
  const child = Bun.spawn(['script', '-qefc', `stty cols 90 rows 20; exec ${main} ${line}`, '/dev/null'], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'inherit',
    env: { PATH: '/usr/bin:/bin', TERM: 'xterm', ...env },
  })
  let out = ''
  const reading = (async () => {
    const decoder = new TextDecoder()
    for await (const chunk of child.stdout) out += decoder.decode(chunk, { stream: true })
  })()
  const keyboard = child.stdin
  if (keys !== undefined) {
    await until(() => out.includes('type yes: '), { what: 'it asks' })
    void keyboard.write(keys)
    void keyboard.flush()
  }
  const code = await child.exited
  await reading
  return { code, out: out.replaceAll('\r\n', '\n') }
}

describe('a question', () => {
  const line = (url: string) => `halt --by me --note drill --url ${url}`
  const typed = [
    ['yes', 'yes\n', 0, 'PUT'],
    ['y', 'y\n', 1, ''],
    ['nothing', '\n', 1, ''],
    ['Ctrl-D', '\u0004', 1, ''],
    ['Ctrl-C', '\u0003', 1, ''],
  ] as const
  test.each(typed)('answered with %s', async (_, keys, expected, sent) => {
    await using fake = await service()
    const { code, out } = await atTerminal(line(fake.url), keys)
    expect(out).toContain('orders: halts EVERY ticker; type yes: ')
    expect({ code, sent: fake.requests.map(({ method }) => method).join() }).toEqual({ code: expected, sent })
    expect(out.includes('nothing was done')).toBe(expected === 1)
  })

  test('without a terminal is not asked: it needs --yes', async () => {
    await using fake = await service()
    const child = Bun.spawn(['sh', '-c', `echo yes | ${main} ${line(fake.url)}`], { stdout: 'pipe', stderr: 'pipe' })
    const [err, code] = await Promise.all([new Response(child.stderr).text(), child.exited])
    expect({ code, sent: fake.requests.length }).toEqual({ code: 2, sent: 0 })
    expect(err).toContain('it needs --yes')
  })
})

test('a table fits the terminal and has colours; NO_COLOR takes them away', async () => {
  await using fake = await service()
  const { code, out } = await atTerminal(`list --url ${fake.url}`)
  expect(code).toBe(0)
  expect(out).toContain('\u001b[33mPARTIALLY_FILLED\u001b[0m')
  const shown = Bun.stripANSI(out).trimEnd().split('\n')
  expect(shown).toHaveLength(2)
  expect(shown[1]).toStartWith(order.id)
  for (const line of shown) expect(line.length).toBeLessThanOrEqual(90)
  const plain = await atTerminal(`list --url ${fake.url}`, undefined, { NO_COLOR: '1' })
  expect(plain.out).toBe(`${shown.join('\n')}\n`)
})

test('whoever reads only the first line ends it without noise', async () => {
  await using fake = await startFake(() =>
    json(200, { orders: Array.from({ length: 500 }, () => order), nextCursor: 'more' }),
  )
  const child = Bun.spawn(
    ['bash', '-c', `${main} list --json --limit 5000 --url ${fake.url} | head -n 1; echo "\${PIPESTATUS[0]}"`],
    {
      stdout: 'pipe',
      stderr: 'pipe',
    },
  )
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ])
  expect(out.split('\n')[0]).toBe(JSON.stringify(order))
  expect(err).not.toContain('EPIPE')
})
