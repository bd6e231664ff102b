// A client of the gRPC door: @grpc/grpc-js over the proto file as it is served, which is how a user of Node.js would call it.

import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js'
import { parse, Root } from 'protobufjs'

export type Json = Record<string, unknown>
export type Outcome = { code: number; detail: string; value: Json | null; trailer: Metadata }

export const openGrpcClient = (proto: string, port: number) => {
  const root = new Root()
  parse(proto, root)
  root.resolveAll()
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure())
  const codecs = (request: string, response: string) => {
    const [asked, answer] = [root.lookupType(`orders.v1.${request}`), root.lookupType(`orders.v1.${response}`)]
    return {
      encode: (value: Json) => Buffer.from(asked.encode(asked.fromObject(value)).finish()),
      decode: (bytes: Buffer): Json => answer.toObject(answer.decode(bytes)),
    }
  }
  const metadataOf = (headers: Record<string, string>): Metadata => {
    const metadata = new Metadata()
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value)
    return metadata
  }
  return {
    /** Calls a method with one answer. `value`: null unless the status is OK. */
    call(method: string, request: Json, headers: Record<string, string> = {}): Promise<Outcome> {
      const answer = method === 'Get' || method === 'Cancel' ? 'Order' : `${method}Response`
      const { encode, decode } = codecs(`${method}Request`, answer)
      return new Promise((resolve) => {
        const done = (error: ServiceError | null, value?: Json): void =>
          resolve(
            error === null
              ? { code: 0, detail: '', value: value!, trailer: new Metadata() }
              : { code: error.code, detail: error.details, value: null, trailer: error.metadata },
          )
        const path = `/orders.v1.Orders/${method}`
        client.makeUnaryRequest(path, encode, decode, request, metadataOf(headers), done)
      })
    },
    watch(request: Json) {
      const { encode, decode } = codecs('WatchRequest', 'WatchResponse')
      return client.makeServerStreamRequest('/orders.v1.Orders/Watch', encode, decode, request)
    },
    close: () => client.close(),
  }
}
