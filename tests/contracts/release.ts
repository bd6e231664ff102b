// `bun run contracts:release` writes the documents and the proto file as they are now into tests/contracts/released/; every later change is
// compared with them. Run it once a release, after the version in package.json was raised: it refuses a break that the version
// does not admit, and empties nothing by itself (decided.ts is for a person to clear).

import { runCommand } from '../../src/build/command.ts'
import { StackError } from '../stack/stackError.ts'
import { asyncApiDocument, openApiDocument, ordersProto, type Json } from './documents.ts'
import {
  changesSinceRelease,
  mayBreak,
  nextVersion,
  protoHeader,
  readReleased,
  releasedFiles,
  releasedProto,
  textOf,
  versionOf,
} from './released.ts'

const write = (file: string, document: Json, version: string): Promise<number> => {
  const info = { ...(document['info'] as Json), version }
  return Bun.write(file, `${JSON.stringify({ ...document, info }, null, 2)}\n`)
}

const main = async (): Promise<number> => {
  const version = await nextVersion()
  if (await Bun.file(releasedFiles.openapi).exists()) {
    const before = versionOf(await readReleased(releasedFiles.openapi))
    const broken = (await changesSinceRelease()).filter(({ kind }) => kind === 'breaking')
    if (broken.length > 0 && !mayBreak(before, version))
      throw new StackError('USAGE', `${before} → ${version} does not admit:\n${broken.map(textOf).join('\n')}`)
  }
  await write(releasedFiles.openapi, openApiDocument, version)
  await write(releasedFiles.asyncapi, asyncApiDocument, version)
  await Bun.write(releasedProto, protoHeader(version) + ordersProto)
  console.log(`${version}: ${[...Object.values(releasedFiles), releasedProto].join(', ')}`)
  return 0
}

await runCommand(main)
