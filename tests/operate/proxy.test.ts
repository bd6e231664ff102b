// Proves: a proxy of the environment is asked for nothing that is on this host: neither by the check of a container nor by a command.

import { afterAll, expect, test } from 'bun:test'
import { join } from 'node:path'

const main = join(import.meta.dir, '..', '..', 'src', 'main.ts')

/** What came in, by path. Each answers in its own way. */
const start = (answer: () => Response) => {
  const asked: string[] = []
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch(request) {
      asked.push(request.url)
      return answer()
    },
  })
  afterAll(() => server.stop(true))
  return { asked, port: String(server.port) }
}

const run = async (args: readonly string[], env: Record<string, string>) => {
  const child = Bun.spawn([process.execPath, main, ...args], { env, stdout: 'pipe', stderr: 'pipe' })
  const [out, err, exitCode] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  return { out, err, exitCode }
}

const service = start(() => Response.json({ status: 'UP' }))
const proxy = start(() => new Response('who are you?', { status: 502 }))
const address = `http://127.0.0.1:${proxy.port}`
const env = { PATH: process.env['PATH'] ?? '', HTTP_PROXY: address, http_proxy: address, no_proxy: 'elsewhere.example' }

test('the check of a container asks the service itself', async () => {
  expect(await run(['health', '--ready'], { ...env, SERVER_PORT: service.port })).toEqual({
    out: '200 {"status":"UP"}\n',
    err: '',
    exitCode: 0,
  })
  expect(proxy.asked).toEqual([])
})

test('commands do, and keep their credential on this host', async () => {
  const before = service.asked.length
  for (const args of [['status'], ['watch', '--json']])
    await run(args, { ...env, SERVER_PORT: service.port, ORDERS_API_KEY: 'ok_secret' })
  expect(service.asked.length).toBeGreaterThan(before + 1)
  expect(proxy.asked).toEqual([])
})

test('a service elsewhere is asked by way of the proxy', async () => {
  await run(['status', '--url', 'http://orders.example:8085'], env)
  expect(proxy.asked).toEqual(['http://orders.example:8085/actuator/health'])
})
