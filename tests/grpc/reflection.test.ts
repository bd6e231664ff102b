// Proves: a tool that knows nothing of this service learns its services and messages from it, in both versions of reflection.

import { describe, expect, test } from 'bun:test'
import { Root } from 'protobufjs'
import 'protobufjs/ext/descriptor'
import { FileDescriptorProto, FileDescriptorSet } from 'protobufjs/ext/descriptor'
import type { Json } from './client.ts'
import { openDoor } from './harness.ts'

describe.each(['v1', 'v1alpha'])('%s', (version) => {
  const ask = async (...questions: Json[]): Promise<Json[]> => (await openDoor()).client().reflect(questions, version)

  test('lists the services', async () => {
    const [answer] = await ask({ listServices: '' })
    expect(answer).toMatchObject({
      originalRequest: {},
      listServicesResponse: {
        service: [
          { name: 'orders.v1.Orders' },
          { name: 'grpc.health.v1.Health' },
          { name: 'grpc.reflection.v1.ServerReflection' },
          { name: 'grpc.reflection.v1alpha.ServerReflection' },
        ],
      },
    })
  })

  test('gives the file of a symbol or of a name, whole', async () => {
    const answers = await ask(
      { fileContainingSymbol: 'orders.v1.Orders' },
      { fileContainingSymbol: 'orders.v1.Orders.Place' },
      { fileContainingSymbol: 'orders.v1.PlaceRequest' },
      { fileByFilename: 'orders/v1/orders.proto' },
    )
    const files = answers.map(
      ({ fileDescriptorResponse: file }) => (file as { fileDescriptorProto: Buffer[] }).fileDescriptorProto[0]!,
    )
    for (const file of files) expect(file).toEqual(files[0]!)
    const set = FileDescriptorSet.create({ file: [FileDescriptorProto.decode(files[0]!)] })
    const root = Root.fromDescriptor(FileDescriptorSet.encode(set).finish())
    root.resolveAll()
    expect(root.lookupService('orders.v1.Orders').methodsArray.map(({ name }) => name)).toEqual([
      'Place',
      'PlaceMany',
      'Cancel',
      'Get',
      'List',
      'Watch',
    ])
    const { fields } = root.lookupType('orders.v1.PlaceRequest')
    expect(fields['postOnly'] ?? fields['post_only']).toMatchObject({ id: 11, type: 'bool' })
  })

  test('knows an enumeration by its name, also one inside a message', async () => {
    const [named, whole] = await ask(
      { fileContainingSymbol: 'grpc.health.v1.HealthCheckResponse.ServingStatus' },
      { fileByFilename: 'grpc/health/v1/health.proto' },
    )
    expect(whole).toHaveProperty('fileDescriptorResponse')
    expect(named!['fileDescriptorResponse']).toEqual(whole!['fileDescriptorResponse'])
  })

  test('calls the entries of a map as protoc does, without which Go reads no detail of a refusal', async () => {
    const [answer] = await ask({ fileContainingSymbol: 'google.rpc.ErrorInfo' })
    const { fileDescriptorProto } = answer!['fileDescriptorResponse'] as { fileDescriptorProto: Buffer[] }
    const { messageType } = FileDescriptorProto.toObject(FileDescriptorProto.decode(fileDescriptorProto[0]!)) as {
      messageType: { name: string; field: Json[]; nestedType?: Json[] }[]
    }
    const info = messageType.find(({ name }) => name === 'ErrorInfo')!
    expect(info.nestedType).toMatchObject([{ name: 'MetadataEntry', options: { mapEntry: true } }])
    expect(info.field.at(-1)).toMatchObject({ name: 'metadata', typeName: 'MetadataEntry' })
  })

  test('says what it does not have, and goes on', async () => {
    const answers = await ask(
      { fileContainingSymbol: 'orders.v1.Nothing' },
      { fileByFilename: 'a' },
      { listServices: '' },
    )
    expect(answers).toMatchObject([
      { errorResponse: { errorCode: 5 } },
      { errorResponse: { errorCode: 5 } },
      { listServicesResponse: {} },
    ])
  })
})
