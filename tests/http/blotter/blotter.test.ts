// Proves: the blotter's page is served as every other route is: it may load nothing from elsewhere and run nothing inline, a browser that
// has it gets a 304, whoever takes gzip gets gzip, HEAD and OPTIONS answer, and BLOTTER=false leaves nothing of it.

import { describe, expect, test } from 'bun:test'
import { pageAssets } from '../../../src/http/contract/blotterOperations.ts'
import { createApp, type ServerOptions } from '../../../src/http/server.ts'
import { bundlePage } from '../../../src/pageFiles.ts'
import { callerOf, refusal, serverOptions } from '../harness.ts'

const files = { 'page.js': `void '${'long '.repeat(400)}'`, 'page.css': 'body { margin: 0 }' }
const callerWith = (options: Partial<ServerOptions> = {}) =>
  callerOf(createApp(serverOptions({ blotter: () => Promise.resolve(files), ...options })))
const call = callerWith()

const directives = (policy: string | null): Map<string, string> =>
  new Map(
    (policy ?? '').split('; ').map((one) => [one.split(' ')[0]!, one.slice(one.indexOf(' ') + 1)] as [string, string]),
  )

describe('the document', () => {
  test('is a page that loads its script and its style from here', async () => {
    const { status, headers, text } = await call('GET', '/')
    expect(status).toBe(200)
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8')
    for (const name of Object.keys(files)) expect(text).toContain(`"/blotter/${name}"`)
    expect(text.match(/(?:src|href)="[^"]*"/g)!.filter((one) => !/="(?:\/|data:)/.test(one))).toEqual([])
  })

  test('runs nothing inline, and its policy allows no such thing', async () => {
    const { headers, text } = await call('GET', '/')
    const policy = directives(headers.get('content-security-policy'))
    expect(policy.get('default-src')).toBe("'none'")
    for (const name of ['script-src', 'style-src', 'connect-src', 'worker-src']) expect(policy.get(name)).toBe("'self'")
    expect(headers.get('content-security-policy')).not.toContain('unsafe')
    expect(text).not.toMatch(/<style|style=|\son\w+=|<script(?![^>]*src=)/)
  })
})

describe('every file', () => {
  const paths = ['/', '/blotter/page.js', '/blotter/page.css']

  test.each(paths)('%s is known by its tag, and asked for again each time', async (path) => {
    const { headers } = await call('GET', path)
    expect(headers.get('cache-control')).toBe('no-cache')
    const etag = headers.get('etag')!
    const again = await call('GET', path, { headers: { 'if-none-match': `"other", ${etag}` } })
    expect([again.status, again.text, again.headers.get('etag')]).toEqual([304, '', etag])
    const changed = await call('GET', path, { headers: { 'if-none-match': '"other"' } })
    expect(changed.status).toBe(200)
  })

  test.each(paths)('%s answers HEAD and OPTIONS', async (path) => {
    const head = await call('HEAD', path)
    expect([head.status, head.text]).toEqual([200, ''])
    const options = await call('OPTIONS', path)
    expect([options.status, options.headers.get('allow')]).toEqual([204, 'GET, HEAD, OPTIONS'])
    expect(refusal(await call('POST', path))).toMatchObject({ status: 405, code: 'METHOD_NOT_ALLOWED' })
  })

  test.each([
    ['gzip', 'gzip'],
    ['br, gzip;q=0.5', 'gzip'],
    ['gzip;q=0', null],
    ['gzip;q=0.0, br', null],
    ['br', null],
    [undefined, null],
  ])('for Accept-Encoding %s is coded as %s', async (accept, coding) => {
    const headers: Record<string, string> = accept === undefined ? {} : { 'accept-encoding': accept }
    const app = createApp(serverOptions({ blotter: () => Promise.resolve(files) }))
    const answer = await app.handle(new Request('http://localhost/blotter/page.js', { headers }))
    expect([answer.headers.get('content-encoding'), answer.headers.get('vary')]).toEqual([coding, 'Accept-Encoding'])
    const bytes = new Uint8Array(await answer.arrayBuffer())
    expect(new TextDecoder().decode(coding === null ? bytes : Bun.gunzipSync(bytes))).toBe(files['page.js'])
    expect(bytes.length < 200).toBe(coding !== null)
  })

  test('changes its tag with its content', async () => {
    const other = callerWith({ blotter: () => Promise.resolve({ ...files, 'page.js': 'void 1' }) })
    const tagOf = async (caller: typeof call) => (await caller('GET', '/blotter/page.js')).headers.get('etag')
    expect(await tagOf(other)).not.toBe(await tagOf(call))
  })

  test('is counted among the requests, by its route', async () => {
    const seen: (string | undefined)[] = []
    const counting = callerWith({ observe: ({ operation }) => void seen.push(operation?.path) })
    for (const path of paths) await counting('GET', path)
    expect(seen).toEqual(['/', '/blotter/{asset}', '/blotter/{asset}'])
  })

  test('beside the origins that may call keeps both in Vary', async () => {
    const { headers } = await callerWith({ corsOrigins: ['https://desk.example.com'] })('GET', '/')
    expect(headers.get('vary')).toBe('Accept-Encoding, Origin')
  })
})

test('the script of the worker may call the service and nobody else', async () => {
  const policy = directives((await call('GET', '/blotter/page.js')).headers.get('content-security-policy'))
  expect(Object.fromEntries(policy)).toEqual({ 'default-src': "'none'", 'connect-src': "'self'" })
})

test('another name is no file', async () => {
  for (const path of ['/blotter/nothing.js', '/blotter/constructor', '/blotter'])
    expect((await call('GET', path)).status).toBe(404)
})

test('turned off, there is nothing', async () => {
  const off = callerWith({ blotter: null })
  for (const path of ['/', '/blotter/page.js']) expect((await off('GET', path)).status).toBe(404)
})

test('a bundle that failed is made again for the next request', async () => {
  let times = 0
  const blotter = () => (times++ === 0 ? Promise.reject(new Error('a fault in the source')) : Promise.resolve(files))
  const app = createApp(serverOptions({ blotter }))
  // Of a checkout alone, so the contract does not know it.
  expect((await app.handle(new Request('http://localhost/blotter/page.js'))).status).toBe(500)
  expect((await app.handle(new Request('http://localhost/blotter/page.js'))).status).toBe(200)
})

test('the bundle of the sources has the files that the contract names', async () => {
  const bundle = await bundlePage()
  expect(Object.keys(bundle).toSorted()).toEqual([...pageAssets].toSorted())
  for (const text of Object.values(bundle)) expect(text.length).toBeGreaterThan(100)
  // JSX of development names its source files.
  expect(bundle['page.js']).not.toContain('jsxDEV')
})
