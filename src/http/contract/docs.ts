// Serves the contracts: the documents, and a page for a person that loads nothing from other servers, because its renderer is embedded
// in the binary. Everything is made at the first request for it and cached, so no request of the API pays for it.

import bundle from 'swagger-ui-dist/swagger-ui-bundle.js' with { type: 'file' }
import type { AmountDigits } from '../../domain/decimal.ts'
import type { UnknownFields } from '../exchange/decode.ts'
import type { Handler } from '../exchange/exchange.ts'
import type { Management } from '../exchange/operation.ts'
import { problem, type Problem } from '../exchange/problem.ts'
import { json } from '../exchange/reply.ts'
import type { Guard } from '../gates/guard.ts'
import { pageHeaders } from '../handbook/pageHeaders.ts'
import { handbookStyles } from '../handbook/styles.ts'
import type { assetNames } from './contractOperations.ts'
import { docsPage, pageScript, pageStyles } from './docsPage.ts'
import { createOpenApi } from './openapi.ts'
import { publishedAccess } from './openapiAccess.ts'
import styles from 'swagger-ui-dist/swagger-ui.css' with { type: 'file' }

/** `proto`: the text of the proto file of gRPC. */
export type ContractOptions = { version: string; asyncApi: Readonly<Record<string, unknown>>; proto: string }
type DocsOptions = {
  contracts: ContractOptions
  unknownFields: UnknownFields
  javaCompatibility: boolean
  bodyMaxBytes: number
  batchBodyMaxBytes: number
  amountDigits: AmountDigits
  guard?: Guard
  management?: Management
}

const script = 'text/javascript; charset=utf-8'
const css = 'text/css; charset=utf-8'
const assets: Readonly<Record<(typeof assetNames)[number], { type: string; body: () => string | Blob }>> = {
  'swagger-ui-bundle.js': { type: script, body: () => Bun.file(bundle) },
  'swagger-ui.css': { type: css, body: () => Bun.file(styles) },
  'page.js': { type: script, body: () => pageScript },
  'page.css': { type: css, body: () => pageStyles },
  'handbook.css': { type: css, body: () => handbookStyles },
}

const assetOf = (name: string): Response | Problem => {
  const asset = Object.entries(assets).find(([file]) => file === name)?.[1]
  if (asset === undefined) return problem('NOT_FOUND', 'there is nothing at this path')
  const headers = { 'content-type': asset.type, 'cache-control': 'max-age=3600' }
  return new Response(asset.body(), { headers })
}

const once = <T>(make: () => T): (() => T) => {
  let cache: { value: T } | null = null
  return () => (cache ??= { value: make() }).value
}

export const docsHandlers = ({ contracts, guard, management, ...settings }: DocsOptions) => {
  const { version, asyncApi, proto } = contracts
  const access = publishedAccess(guard, management)
  const { unknownFields, javaCompatibility, bodyMaxBytes, batchBodyMaxBytes, amountDigits } = settings
  const options = { version, unknownFields, javaCompatibility, bodyMaxBytes, batchBodyMaxBytes, amountDigits, access }
  const openApiText = once(() => JSON.stringify(createOpenApi(options)))
  const asyncApiText = once(() => JSON.stringify(asyncApi))
  const page = once(() => docsPage(asyncApi))
  return {
    openApi: () => json(200, openApiText()),
    asyncApi: () => json(200, asyncApiText()),
    proto: () => new Response(proto, { headers: { 'content-type': 'text/plain; charset=utf-8' } }),
    docs: () => new Response(page(), { headers: pageHeaders }),
    docsAsset: ({ params }) => assetOf(params['asset']!),
  } satisfies Record<string, Handler>
}
