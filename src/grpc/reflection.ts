// grpc.reflection, v1 and v1alpha: tools such as grpcurl read the services and their messages from a running server.

import { status, type ServerDuplexStream } from '@grpc/grpc-js'
import { Enum, Service, Type, type NamespaceBase, type Root } from 'protobufjs'
import 'protobufjs/ext/descriptor'
import { protoFiles, rootOfFile, textOf, type Plain, type Received } from './messages.ts'
import { malformed } from './status.ts'

type FileName = keyof typeof protoFiles
type Descriptors = Root & { toDescriptor: (edition: string) => { file: unknown[]; constructor: unknown } }
type File = { name: FileName; bytes: Buffer; symbols: readonly string[]; services: readonly string[] }

const namesIn = (space: NamespaceBase, keep: (object: unknown) => boolean): string[] =>
  space.nestedArray.flatMap((object) => [
    ...(keep(object) ? [object.fullName.slice(1)] : []),
    ...('nestedArray' in object ? namesIn(object as NamespaceBase, keep) : []),
    ...(object instanceof Service && keep(object) ? object.methodsArray.map((m) => m.fullName.slice(1)) : []),
  ])

type MessageDescriptor = {
  name: string
  field: { typeName: string }[]
  nestedType: (MessageDescriptor & { options: { mapEntry?: boolean } | null })[]
}

/** The entries of a map have to be called `<Field>Entry`; the library calls them `<Field>`, and then Go takes none of the file. */
const nameMapEntries = (messages: readonly MessageDescriptor[]): void => {
  for (const { field, nestedType } of messages) {
    for (const entry of nestedType) {
      if (entry.options?.mapEntry !== true) continue
      const map = field.find(({ typeName }) => typeName === entry.name)!
      entry.name += 'Entry'
      map.typeName = entry.name
    }
    nameMapEntries(nestedType)
  }
}

/** The descriptor of a file, as protoc would write it. */
const bytesOf = (name: FileName, root: Root): Buffer => {
  const set = (root as Descriptors).toDescriptor('proto3')
  // The library makes one file of each package; here a file has one package.
  const file = set.file.at(-1) as {
    name: string
    messageType: MessageDescriptor[]
    constructor: { encode: (file: unknown) => { finish: () => Uint8Array } }
  }
  file.name = name
  nameMapEntries(file.messageType)
  return Buffer.from(file.constructor.encode(file).finish())
}

const readFiles = (): File[] =>
  (Object.keys(protoFiles) as FileName[]).map((name) => {
    const root = rootOfFile(name)
    return {
      name,
      bytes: bytesOf(name, root),
      symbols: namesIn(root, (object) => [Type, Enum, Service].some((kind) => object instanceof kind)),
      services: namesIn(root, (object) => object instanceof Service).filter(
        (full) => root.lookup(full) instanceof Service,
      ),
    }
  })

const notFound = (what: string): Plain => ({
  errorResponse: { errorCode: status.NOT_FOUND, errorMessage: `there is no ${what} here` },
})
const fileAnswer = (file: File | undefined, what: string): Plain =>
  file === undefined ? notFound(what) : { fileDescriptorResponse: { fileDescriptorProto: [file.bytes] } }

const answerTo = (asked: Plain, files: readonly File[]): Plain => {
  if (asked['listServices'] !== undefined)
    return { listServicesResponse: { service: files.flatMap(({ services }) => services.map((name) => ({ name }))) } }
  if (asked['fileByFilename'] !== undefined) {
    const wanted = textOf(asked, 'fileByFilename')
    return fileAnswer(
      files.find(({ name }) => name === wanted),
      'file of this name',
    )
  }
  if (asked['fileContainingSymbol'] !== undefined) {
    const symbol = textOf(asked, 'fileContainingSymbol')
    return fileAnswer(
      files.find(({ symbols }) => symbols.includes(symbol)),
      'such symbol',
    )
  }
  return notFound('extension')
}

type Call = ServerDuplexStream<Received, Plain>

/** Nobody needs a credential to ask, so all who do are bounded. */
const callsMax = 100
const tooMany = { code: status.RESOURCE_EXHAUSTED, details: `more than ${callsMax} ask already` }

export const createReflection = () => {
  let files: File[] | null = null
  const calls = new Set<Call>()
  const take = (call: Call, received: Received): void => {
    if (!received.ok) return void call.emit('error', malformed(received.detail))
    files ??= readFiles()
    const { value } = received
    const goesOn = call.write({ validHost: textOf(value, 'host'), originalRequest: value, ...answerTo(value, files) })
    if (goesOn) return
    // Whoever does not read the answers is asked for no further question.
    call.pause()
    call.once('drain', () => call.resume())
  }
  return {
    answer: (call: Call): void => {
      if (calls.size >= callsMax) return void call.emit('error', tooMany)
      calls.add(call)
      call.once('cancelled', () => calls.delete(call))
      call.on('data', (received: Received) => take(call, received))
      call.on('end', () => call.end())
    },
    stop: (): void => calls.forEach((call) => call.end()),
  }
}
