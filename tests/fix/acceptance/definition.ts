// Plays one definition of QuickFIX's acceptance suite: lines that connect and disconnect (i, e), send (I) and expect (E), with times to fill in.

import { createConnection, type Socket } from 'node:net'
import { checksumOf } from '../../../src/fix/protocol/codec.ts'

const waitMs = 10_000
const soh = '\u0001'
const head8 = new RegExp(`^8=[^${soh}]*${soh}`)
const tail10 = new RegExp(`${soh}10=[^${soh}]*${soh}$`)
const length9 = new RegExp(`(?:^|${soh})9=`)
const whole = new RegExp(`^8=.*?${soh}10=\\d{3}${soh}`, 's')
/** Fields whose values are only held against a form. */
const forms: Readonly<Record<string, RegExp>> = {
  '10': /^\d{3}$/,
  '42': /^\d{8}-\d{2}:\d{2}:\d{2}/,
  '52': /^\d{8}-\d{2}:\d{2}:\d{2}(?:\.\d{3})?$/,
  '60': /^\d{8}-\d{2}:\d{2}:\d{2}/,
  '122': /^\d{8}-\d{2}:\d{2}:\d{2}/,
}

const timed = (text: string): string =>
  text.replaceAll(/<TIME(?:([+-])(\d+))?>/g, (_, sign: string | undefined, seconds: string | undefined) => {
    const shift = (sign === '-' ? -1 : 1) * Number(seconds ?? 0) * 1000
    return new Date(Date.now() + shift).toISOString().slice(0, 19).replaceAll('-', '').replace('T', '-')
  })

/** With BodyLength and CheckSum, where the line has none. */
const completed = (text: string): string => {
  const head = head8.exec(text)?.[0]
  if (head === undefined) return text
  const given = tail10.exec(text)?.[0].slice(1)
  const body = text.slice(head.length, given === undefined ? undefined : -given.length)
  const start = head + (length9.test(body) ? '' : `9=${body.length}${soh}`) + body
  return start + (given ?? `10=${checksumOf(Buffer.from(start, 'latin1'))}${soh}`)
}

/** What differs, or null. */
const difference = (expected: string, actual: string): string | null => {
  const [left, right] = [expected.split(soh).slice(0, -1), actual.split(soh).slice(0, -1)]
  const said = `expected ${left.join('|')}, got ${right.join('|')}`
  if (left.length !== right.length) return said
  const same = left.every((field, index) => {
    const [tag, value] = field.split('=') as [string, string]
    const [ownTag, own] = right[index]!.split('=') as [string, string]
    return tag === ownTag && (forms[tag]?.test(own) ?? value === own)
  })
  return same ? null : said
}

const openClient = async (port: number) => {
  const socket: Socket = createConnection({ port, host: '127.0.0.1' })
  let text = ''
  let closed = false
  let wake = () => {}
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1')
    wake()
  })
  for (const event of ['close', 'end', 'error'])
    socket.on(event, () => {
      closed = true
      wake()
    })
  await new Promise<void>((resolve) => socket.once('connect', resolve))
  const until = async <T>(look: () => T | null, failure: string): Promise<T> => {
    const deadline = Date.now() + waitMs
    for (;;) {
      const found = look()
      if (found !== null) return found
      if (Date.now() >= deadline) throw new Error(failure)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, deadline - Date.now())
        wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }
  return {
    send: (line: string) => socket.write(Buffer.from(line, 'latin1')),
    next: () =>
      until(() => {
        const message = whole.exec(text)?.[0]
        if (message === undefined && closed) throw new Error('disconnected, a message was expected')
        if (message === undefined) return null
        text = text.slice(message.length)
        return message
      }, 'no message within ten seconds'),
    disconnected: () =>
      until(() => {
        if (text !== '') throw new Error(`data instead of the end: ${text.replaceAll(soh, '|')}`)
        return closed ? true : null
      }, 'still connected after ten seconds'),
    end: () => socket.destroy(),
  }
}

/** How a server differs from QuickFIX's: what a message says before it goes out, and what of an answer counts. */
export type Manner = {
  said: (line: string) => string
  difference: (expected: string, actual: string) => string | null
}
export const asQuickfix: Manner = { said: (line) => line, difference }

/** Throws with the line that did not hold. */
export const playDefinition = async (text: string, port: number, manner: Manner = asQuickfix): Promise<void> => {
  const clients = new Map<string, Awaited<ReturnType<typeof openClient>>>()
  try {
    for (const [index, raw] of text.split(/\r?\n/).entries()) {
      const parts = /^([IEie])(?:(\d),)?(.*)$/s.exec(raw)
      if (parts === null) continue
      const [, action, id = '1', rest] = parts as unknown as [string, string, string | undefined, string]
      const client = clients.get(id)
      const line = `line ${index + 1}`
      const said = timed(rest)
      const body = completed(action === 'I' ? manner.said(said) : said)
      if (action === 'i' && body === 'CONNECT') clients.set(id, await openClient(port))
      else if (client === undefined) throw new Error(`${line}: no connection`)
      else if (action === 'i') client.end()
      else if (action === 'I') client.send(body)
      else if (action === 'e')
        await client.disconnected().catch((error: unknown) => {
          throw new Error(`${line}: ${(error as Error).message}`, { cause: error })
        })
      else {
        const actual = await client.next().catch((error: unknown) => {
          throw new Error(`${line}: ${(error as Error).message}`, { cause: error })
        })
        const differs = manner.difference(body, actual)
        if (differs !== null) throw new Error(`${line}: ${differs}`)
      }
    }
  } finally {
    for (const client of clients.values()) client.end()
  }
}
