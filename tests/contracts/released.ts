// The documents of the last release, and the difference between them and the code.

import { inRepo } from '../../src/build/repository.ts'
import { compareAsyncApi, compareOpenApi, wideningsOfOpenApi } from './compareDocuments.ts'
import { compareProto } from './compareProto.ts'
import type { Change } from './compareSchemas.ts'
import { asyncApiDocument, openApiDocument, ordersProto, type Json } from './documents.ts'

const fileOf = (name: string): string => inRepo('tests', 'contracts', 'released', name)

export const releasedFiles = { openapi: fileOf('openapi.json'), asyncapi: fileOf('asyncapi.json') } as const
/** Its first line says of which release it is. It is not there before the first release that had it. */
export const releasedProto = fileOf('orders.proto')
export const protoHeader = (version: string): string => `// Released with ${version}.\n`

/** Null before the first release that had it. */
export const readReleasedProto = async (): Promise<{ version: string; text: string } | null> => {
  const file = Bun.file(releasedProto)
  if (!(await file.exists())) return null
  const text = await file.text()
  return { version: /^\/\/ Released with (\S+)\.\n/.exec(text)![1]!, text }
}

export const readReleased = async (file: string): Promise<Json> => (await Bun.file(file).json()) as Json

export const versionOf = (document: Json): string => (document['info'] as { version: string }).version

/** The version that the code is on its way to. */
export const nextVersion = async (): Promise<string> =>
  ((await Bun.file(inRepo('package.json')).json()) as { version: string }).version

const majorOf = (version: string): number => Number(version.split('.')[0])

/** A break is lawful in a new major version alone. */
export const mayBreak = (released: string, next: string): boolean => majorOf(next) > majorOf(released)

export const textOf = ({ kind, at, what }: Change): string => `${kind}: ${at}: ${what}`

/** Everything that a client of the last release may notice. */
export const changesSinceRelease = async (): Promise<Change[]> => {
  const openApi = await readReleased(releasedFiles.openapi)
  const widenings = wideningsOfOpenApi(openApi, openApiDocument)
  const proto = await readReleasedProto()
  return [
    ...(proto === null ? [] : compareProto(proto.text, ordersProto)),
    ...compareOpenApi(openApi, openApiDocument, widenings),
    ...compareAsyncApi(await readReleased(releasedFiles.asyncapi), asyncApiDocument, widenings),
  ]
}
