// A headless Chromium that can reach this machine only, driven by the DevTools protocol. It records every request, refusal and
// complaint of a page.

import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hold, release, removeOnDeath } from '../stack/guard.ts'
import { killTree } from '../stack/processes.ts'
import { StackError } from '../stack/stackError.ts'
import { until } from '../support/until.ts'

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

type Params = Record<string, unknown>
type Message = { id?: number; method?: string; params?: Params; result?: Params; error?: { message: string } }

export type Page = AsyncDisposable & {
  open: (url: string) => Promise<void>
  /** The value of an expression in the page, which may be a promise. */
  evaluate: <T>(expression: string) => Promise<T>
  screenshot: (file: string, whole?: boolean) => Promise<void>
  /** The size of the window in pixels, and whether the reader prefers dark colours. */
  view: (window: { width: number; height: number; dark?: boolean }) => Promise<void>
  /** Addresses that were asked for; `data:` left out. */
  requests: string[]
  /** Console errors, refused content, uncaught exceptions. */
  complaints: string[]
}

const executable = (): string => {
  const found = [process.env['CHROMIUM'], ...names].map((name) => name && Bun.which(name)).find(Boolean)
  if (!found)
    throw new StackError(
      'START_FAILED',
      'no Chromium here: install it (Debian: apt-get install chromium) or set CHROMIUM',
    )
  return found
}

/** One connection: calls by number, events to whoever listens. */
const connect = async (url: string, onEvent: (method: string, params: Params) => void) => {
  const socket = new WebSocket(url)
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve)
    socket.addEventListener('error', reject)
  })
  const waiting = new Map<number, { resolve: (result: Params) => void; reject: (error: Error) => void }>()
  let calls = 0
  socket.addEventListener('message', ({ data }) => {
    const { id, method, params, result, error } = JSON.parse(String(data)) as Message
    if (id === undefined) return onEvent(method!, params!)
    const call = waiting.get(id)
    waiting.delete(id)
    if (error === undefined) call?.resolve(result!)
    else call?.reject(new Error(error.message))
  })
  return {
    call: (method: string, params: Params = {}): Promise<Params> =>
      new Promise((resolve, reject) => {
        waiting.set(++calls, { resolve, reject })
        socket.send(JSON.stringify({ id: calls, method, params }))
      }),
    close: () => socket.close(),
  }
}

const flags = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--no-first-run',
  '--hide-scrollbars',
  // As without internet: no name is known, and no address but this machine's.
  '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1',
  '--remote-debugging-port=0',
  '--window-size=1400,1000',
]

const textOf = (params: Params): string => {
  const details = params['exceptionDetails'] as { text: string; exception?: { description?: string } } | undefined
  const entry = params['entry'] as { level: string; text: string; url?: string } | undefined
  if (details !== undefined) return details.exception?.description ?? details.text
  return entry === undefined ? JSON.stringify(params['args']) : `${entry.text} ${entry.url ?? ''}`
}

export const openPage = async (): Promise<Page> => {
  const dir = await mkdtemp(join(tmpdir(), 'orders-chromium-'))
  removeOnDeath(dir)
  const child = Bun.spawn([executable(), ...flags, `--user-data-dir=${dir}`, 'about:blank'], {
    stdio: ['ignore', 'ignore', 'ignore'],
    detached: true,
  })
  hold(child.pid, 'SIGKILL')
  const portFile = join(dir, 'DevToolsActivePort')
  const port = await until(async () => existsSync(portFile) && (await Bun.file(portFile).text()).split('\n')[0], {
    what: 'Chromium listens',
  })
  const targets = (await (await fetch(`http://127.0.0.1:${port}/json`)).json()) as {
    type: string
    webSocketDebuggerUrl: string
  }[]
  const requests: string[] = []
  const complaints: string[] = []
  let loaded = Promise.withResolvers<void>()
  const { call, close } = await connect(
    targets.find(({ type }) => type === 'page')!.webSocketDebuggerUrl,
    (method, params) => {
      const url = (params['request'] as { url: string } | undefined)?.url
      if (method === 'Network.requestWillBeSent' && !url!.startsWith('data:')) requests.push(url!)
      if (method === 'Page.loadEventFired') loaded.resolve()
      const isError = method === 'Runtime.exceptionThrown' || params['type'] === 'error'
      const isEntry = method === 'Log.entryAdded' && (params['entry'] as { level: string }).level === 'error'
      if (isEntry || (isError && method.startsWith('Runtime.'))) complaints.push(textOf(params))
    },
  )
  for (const domain of ['Page', 'Network', 'Runtime', 'Log']) await call(`${domain}.enable`)
  return {
    requests,
    complaints,
    async open(url) {
      loaded = Promise.withResolvers()
      await call('Page.navigate', { url })
      await loaded.promise
    },
    async evaluate<T>(expression: string) {
      const answer = await call('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true })
      if (answer['exceptionDetails'] !== undefined) throw new Error(textOf(answer))
      return (answer['result'] as { value: T }).value
    },
    async screenshot(file, whole = false) {
      const answer = await call('Page.captureScreenshot', { format: 'png', captureBeyondViewport: whole })
      await Bun.write(file, Buffer.from(answer['data'] as string, 'base64'))
    },
    async view({ width, height, dark = false }) {
      await call('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: width < 600 })
      const features = [{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }]
      await call('Emulation.setEmulatedMedia', { features })
    },
    async [Symbol.asyncDispose]() {
      close()
      await killTree(child.pid)
      release(child.pid)
      await rm(dir, { recursive: true, force: true })
    },
  }
}
