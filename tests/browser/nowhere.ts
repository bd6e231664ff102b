// The internet of a browser that has none: a proxy that refuses everybody and remembers who was asked for. A page that loads anything
// from elsewhere is seen here, whoever in it asked: the document, a worker, a style sheet.

import { createServer, type AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'

export type Nowhere = AsyncDisposable & {
  /** The address of the proxy. */
  url: string
  /** The request lines so far, such as `CONNECT example.com:443 HTTP/1.1`. */
  asked: string[]
}

export const openNowhere = async (): Promise<Nowhere> => {
  const asked: string[] = []
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    createInterface({ input: socket }).once('line', (line) => {
      asked.push(line)
      socket.end('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
    })
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async [Symbol.asyncDispose]() {
      await new Promise((resolve) => void server.close(resolve))
    },
  }
}
