// The documents of the last release, and the difference between them and the code.

import { inRepo } from '../../src/build/repository.ts'
import { compareAsyncApi, compareOpenApi, wideningsOfOpenApi } from './compareDocuments.ts'
import type { Change } from './compareSchemas.ts'
import { asyncApiDocument, openApiDocument, type Json } from './documents.ts'

const fileOf = (name: string): string => inRepo('tests', 'contracts', 'released', `${name}.json`)

export const releasedFiles = { openapi: fileOf('openapi'), asyncapi: fileOf('asyncapi') } as const

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
  return [
    ...compareOpenApi(openApi, openApiDocument, widenings),
    ...compareAsyncApi(await readReleased(releasedFiles.asyncapi), asyncApiDocument, widenings),
  ]
}
