// Serves the blotter: its document and the files that it loads, each with an ETag and compressed once. Its script calls the API as any
// client does.

import { weightOf } from '../exchange/accept.ts'
import type { Exchange, Handler } from '../exchange/exchange.ts'
import { problem } from '../exchange/problem.ts'
import { documentHeaders, html, scriptHeaders } from './html.ts'

/** Reads the files that the page loads, by name; called once. */
export type ReadPage = () => Promise<Readonly<Record<string, string>>>

type Entity = {
  type: string
  plain: Uint8Array
  gzip: Uint8Array
  etag: string
  headers: Readonly<Record<string, string>>
}

const typeOf = (name: string): string => `text/${name.endsWith('.css') ? 'css' : 'javascript'}; charset=utf-8`

const entityOf = (text: string, type: string, headers: Entity['headers'] = {}): Entity => {
  const plain = new TextEncoder().encode(text)
  const etag = Bun.hash(plain).toString(36)
  return { type, plain, gzip: Bun.gzipSync(plain, { level: 9 }), etag, headers }
}

const takesGzip = (request: Request): boolean => weightOf(request.headers.get('accept-encoding') ?? '', 'gzip') > 0

/** Whether If-None-Match names this entity. Its two codings are one content, so the tag is a weak one. */
const isKnown = (request: Request, tag: string): boolean => {
  const known = request.headers.get('if-none-match')
  if (known === null) return false
  return known
    .split(',')
    .some((one) => one.trim() === '*' || one.trim().replace(/^W\//, '') === tag.replace(/^W\//, ''))
}

const answer = ({ request, headers: gateHeaders }: Exchange, entity: Entity): Response => {
  const etag = `W/"${entity.etag}"`
  // The gate of origins names one that we must not lose.
  gateHeaders['vary'] =
    gateHeaders['vary'] === undefined ? 'Accept-Encoding' : `Accept-Encoding, ${gateHeaders['vary']}`
  const common = { etag, 'cache-control': 'no-cache', ...entity.headers }
  if (isKnown(request, etag)) return new Response(null, { status: 304, headers: common })
  const headers = { 'content-type': entity.type, ...common }
  return takesGzip(request)
    ? new Response(entity.gzip, { headers: { ...headers, 'content-encoding': 'gzip' } })
    : new Response(entity.plain, { headers })
}

const nothing = () => problem('NOT_FOUND', 'there is nothing at this path')

/** `read` null: there is no page. */
export const blotterHandlers = (read: ReadPage | null) => {
  const document = entityOf(html, 'text/html; charset=utf-8', documentHeaders)
  let entities: Promise<ReadonlyMap<string, Entity>> | null = null
  const readEntities = async (readPage: ReadPage): Promise<ReadonlyMap<string, Entity>> =>
    new Map(Object.entries(await readPage()).map(([name, text]) => [name, entityOf(text, typeOf(name), scriptHeaders)]))
  return {
    blotter: (exchange) => (read === null ? nothing() : answer(exchange, document)),
    async blotterAsset(exchange) {
      if (read === null) return nothing()
      entities ??= readEntities(read).catch((error: unknown) => {
        // Run from source: the next request sees the sources after their repair.
        entities = null
        throw error
      })
      const entity = (await entities).get(exchange.params['asset']!)
      return entity === undefined ? nothing() : answer(exchange, entity)
    },
  } satisfies Record<string, Handler>
}
