// A desk without a terminal, and a service that answers as a test says: what a command sends, prints and says is kept.

import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { operateCommand } from '../../src/operate/command.ts'
import type { CommandWord } from '../../src/operate/commands.ts'
import type { Desk } from '../../src/operate/context.ts'
import { painter } from '../../src/operate/paint.ts'

/** `path`: with its query, as it came. `json`: the body; undefined without one. */
export type Sent = {
  method: string
  path: string
  body: string
  json: Record<string, unknown>
  headers: IncomingHttpHeaders
}
type Reply = { status: number; body: string; headers: Record<string, string> }
/** `lost`: the request came, and the connection breaks without an answer. `n`: how many came before. */
type Script = (sent: Sent, n: number) => Reply | 'lost'

export const json = (status: number, body: object | string, headers: Record<string, string> = {}): Reply => ({
  status,
  body: typeof body === 'string' ? body : JSON.stringify(body),
  headers: { 'content-type': status < 400 ? 'application/json' : 'application/problem+json', ...headers },
})
export const problem = (status: number, code: string, detail: string, members: object = {}): Reply =>
  json(status, { status, code, detail, ...members })

export const startFake = async (script: Script) => {
  const requests: Sent[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8')
    request.on('data', (text: string) => void (body += text))
    request.on('end', () => {
      const { method = '', url = '', headers } = request
      const sent = { method, path: url, body, json: body === '' ? {} : (JSON.parse(body) as Sent['json']), headers }
      requests.push(sent)
      const reply = script(sent, requests.length - 1)
      if (reply === 'lost') return void request.socket.destroy()
      response.writeHead(reply.status, reply.headers).end(reply.body)
    })
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => void server.close(resolve))
    },
  }
}

type Asked = {
  env?: Record<string, string>
  /** What is typed at a question; null: there is no terminal. */
  answer?: boolean | null
  width?: number
  colours?: boolean
}

/** Runs `orders <line>` at a desk whose pauses take no time. */
export const runAt = async (url: string, line: readonly string[], asked: Asked = {}) => {
  const [name, ...args] = line
  let [out, err] = ['', '']
  const questions: string[] = []
  const pauses: number[] = []
  let nowMs = 0
  const desk: Desk = {
    async print(text) {
      out += `${text}\n`
    },
    complain: (text) => void (err += text),
    async ask(question) {
      questions.push(question)
      return asked.answer ?? null
    },
    paint: painter(asked.colours ?? false),
    width: asked.width ?? null,
    signal: new AbortController().signal,
    pace: {
      clock: () => nowMs,
      async sleep(ms) {
        pauses.push(ms)
        nowMs += ms
      },
      random: () => 1,
    },
    newKey: () => 'made-key',
  }
  const code = await operateCommand(name as CommandWord, asked.env ?? {}, [...args, '--url', url], desk)
  return { code, out, err, questions, pauses }
}

/** As runAt, beside a service of its own; `requests`: what came to it. */
export const runWith = async (script: Script, line: readonly string[], asked: Asked = {}) => {
  await using fake = await startFake(script)
  const result = await runAt(fake.url, line, asked)
  return { ...result, requests: fake.requests }
}

export const lines = (out: string): Record<string, unknown>[] =>
  out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
