// A client of the gRPC door: @grpc/grpc-js over the proto file as it is served, which is how a user of Node.js would call it.

import { connect, type IncomingHttpHeaders } from 'node:http2'
import {
  Client,
  credentials,
  Metadata,
  type CallOptions,
  type ClientReadableStream,
  type ServiceError,
  type StatusObject,
} from '@grpc/grpc-js'
import { parse, Root } from 'protobufjs'
import { inRepo } from '../../src/build/repository.ts'

export type Json = Record<string, unknown>
export type Outcome = { code: number; detail: string; value: Json | null; trailer: Metadata }
export type Stream = ClientReadableStream<Json>

export type ClientOptions = {
  /** Of the authority that the server's certificate has to be of, PEM; without one there is no TLS. */
  ca?: string
  /** As @grpc/grpc-js takes them. */
  channel?: Record<string, string | number>
}

const readProto = (...path: string[]): Promise<string> => Bun.file(inRepo('src', 'grpc', 'proto', ...path)).text()
const [orders, health, reflection, rpcStatus] = await Promise.all([
  readProto('orders', 'v1', 'orders.proto'),
  readProto('grpc', 'health', 'v1', 'health.proto'),
  readProto('grpc', 'reflection', 'reflection.proto'),
  readProto('google', 'rpc', 'status.proto'),
])
const root = new Root()
for (const text of [orders, health, reflection, rpcStatus]) parse(text, root)
root.resolveAll()

const encoderOf = (name: string) => {
  const type = root.lookupType(name)
  return (value: Json) => Buffer.from(type.encode(type.fromObject(value)).finish())
}
const decoderOf = (name: string) => {
  const type = root.lookupType(name)
  return (bytes: Buffer): Json => type.toObject(type.decode(bytes), { enums: String, longs: String })
}

const metadataOf = (headers: Record<string, string>): Metadata => {
  const metadata = new Metadata()
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value)
  return metadata
}

type Detail = { typeUrl: string; value: Buffer }
/** The details of a refusal by the name of their message: ErrorInfo, BadRequest, RetryInfo. */
export const detailsOf = (trailer: Metadata): Record<string, Json> => {
  const [bytes] = trailer.get('grpc-status-details-bin')
  if (bytes === undefined) return {}
  const { details = [] } = decoderOf('google.rpc.Status')(bytes as Buffer) as { details?: Detail[] }
  return Object.fromEntries(
    details.map(({ typeUrl, value }) => {
      const name = typeUrl.slice(typeUrl.indexOf('/') + 1)
      return [name.slice(name.lastIndexOf('.') + 1), decoderOf(name)(value)]
    }),
  )
}

/** The status with which a stream ended, after its messages were read. */
export const endOf = (stream: Stream): Promise<{ code: number; details: string; metadata: Metadata }> =>
  new Promise((resolve) => {
    stream.on('error', () => undefined)
    stream.on('status', (status: StatusObject) => resolve(status))
  })

const answerOf = (method: string): string =>
  method === 'Get' || method === 'Cancel' ? 'orders.v1.Order' : `orders.v1.${method}Response`
const healthPath = (method: string): string => `/grpc.health.v1.Health/${method}`
const bytesAsTheyAre = (bytes: Buffer): Buffer => bytes

export const openGrpcClient = (port: number, { ca, channel = {} }: ClientOptions = {}) => {
  const secure = ca === undefined ? credentials.createInsecure() : credentials.createSsl(Buffer.from(ca))
  // Bun's TLS takes no address as the name of a server.
  const client = new Client(`${ca === undefined ? '127.0.0.1' : 'localhost'}:${port}`, secure, {
    // A connection of its own for each client.
    'grpc.use_local_subchannel_pool': 1,
    ...channel,
  })
  type Unary = { path: string; bytes: Buffer; decode: (bytes: Buffer) => Json; headers: Record<string, string> }
  const send = ({ path, bytes, decode, headers }: Unary, options: CallOptions): Promise<Outcome> =>
    new Promise((resolve) => {
      let answer: Json | null = null
      const metadata = metadataOf(headers)
      const call = client.makeUnaryRequest(
        path,
        bytesAsTheyAre,
        decode,
        bytes,
        metadata,
        options,
        (_: ServiceError | null, value?: Json) => {
          answer = value ?? null
        },
      )
      call.on('status', ({ code, details, metadata: trailer }) =>
        setImmediate(() => resolve({ code, detail: details, value: answer, trailer })),
      )
    })
  return {
    /** Calls a method with one answer. `value`: null unless the status is OK. */
    call: (
      method: string,
      request: Json,
      headers: Record<string, string> = {},
      options: CallOptions = {},
    ): Promise<Outcome> => {
      const bytes = encoderOf(`orders.v1.${method}Request`)(request)
      const path = `/orders.v1.Orders/${method}`
      return send({ path, bytes, decode: decoderOf(answerOf(method)), headers }, options)
    },
    /** The same with these bytes as the message. */
    callBytes: (method: string, bytes: Buffer): Promise<Outcome> =>
      send({ path: `/orders.v1.Orders/${method}`, bytes, decode: decoderOf(answerOf(method)), headers: {} }, {}),
    watch: (request: Json, headers: Record<string, string> = {}): Stream =>
      client.makeServerStreamRequest(
        '/orders.v1.Orders/Watch',
        encoderOf('orders.v1.WatchRequest'),
        decoderOf('orders.v1.WatchResponse'),
        request,
        metadataOf(headers),
      ),
    checkHealth: (service = ''): Promise<Outcome> => {
      const bytes = encoderOf('grpc.health.v1.HealthCheckRequest')({ service })
      const decode = decoderOf('grpc.health.v1.HealthCheckResponse')
      return send({ path: healthPath('Check'), bytes, decode, headers: {} }, { deadline: Date.now() + 5_000 })
    },
    watchHealth: (service = ''): Stream =>
      client.makeServerStreamRequest(
        healthPath('Watch'),
        encoderOf('grpc.health.v1.HealthCheckRequest'),
        decoderOf('grpc.health.v1.HealthCheckResponse'),
        { service },
      ),
    /** Asks the reflection of this version, one question after the other. */
    async reflect(questions: readonly Json[], version = 'v1'): Promise<Json[]> {
      const call = client.makeBidiStreamRequest(
        `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
        encoderOf('grpc.reflection.v1.ServerReflectionRequest'),
        decoderOf('grpc.reflection.v1.ServerReflectionResponse'),
      )
      for (const question of questions) call.write(question)
      call.end()
      const answers: Json[] = []
      for await (const answer of call) answers.push(answer as Json)
      return answers
    },
    close: () => client.close(),
  }
}
export type GrpcClient = ReturnType<typeof openGrpcClient>

/** The messages of a stream as they come, until one passes the test. */
export const readUntil = async (stream: Stream, isLast: (message: Json) => boolean): Promise<Json[]> => {
  const seen: Json[] = []
  for await (const message of stream) {
    seen.push(message as Json)
    if (isLast(message as Json)) break
  }
  return seen
}

/** A message as it lies on the wire: whether it is compressed, its length, its bytes. */
const framed = (bytes: Buffer): Buffer => {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(bytes.length, 1)
  return Buffer.concat([head, bytes])
}

/**
 * A stream of somebody who takes nothing until `read` is called: over bare HTTP/2, since the client of the library keeps what it is sent.
 * `ended`: the trailers, or the code of the reset (HTTP/2) with which the server let go.
 */
export const openDeafStream = (port: number, request: Json) => {
  const session = connect(`http://127.0.0.1:${port}`)
  session.on('error', () => undefined)
  const headers = {
    ':method': 'POST',
    ':path': '/orders.v1.Orders/Watch',
    'content-type': 'application/grpc',
    te: 'trailers',
  }
  const stream = session.request(headers)
  stream.pause()
  stream.on('error', () => undefined)
  stream.end(framed(encoderOf('orders.v1.WatchRequest')(request)))
  let trailers: IncomingHttpHeaders = {}
  stream.on('trailers', (sent) => (trailers = sent))
  const ended = new Promise<{ trailers: IncomingHttpHeaders; reset: number }>((resolve) =>
    stream.on('close', () => resolve({ trailers, reset: stream.rstCode ?? 0 })),
  )
  return {
    ended,
    read(onMessage: (message: Json) => void) {
      const decode = decoderOf('orders.v1.WatchResponse')
      let rest = Buffer.alloc(0)
      stream.on('data', (bytes: Buffer) => {
        rest = Buffer.concat([rest, bytes])
        while (rest.length >= 5 && rest.length >= 5 + rest.readUInt32BE(1)) {
          const end = 5 + rest.readUInt32BE(1)
          onMessage(decode(rest.subarray(5, end)))
          rest = rest.subarray(end)
        }
      })
      stream.resume()
    },
    close: () => session.destroy(),
  }
}

/** Trailers of bare HTTP/2 as the metadata that they are. */
export const metadataOfTrailers = (trailers: IncomingHttpHeaders): Metadata => {
  const metadata = new Metadata()
  const details = trailers['grpc-status-details-bin']
  if (details !== undefined) metadata.set('grpc-status-details-bin', Buffer.from(String(details), 'base64'))
  return metadata
}
