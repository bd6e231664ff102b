// Which methods the server has: their paths, the codecs of their messages, and who answers them.

import type { Server, UntypedHandleCall } from '@grpc/grpc-js'
import type { Door } from './door.ts'
import { createHealth } from './health.ts'
import { codecOf } from './messages.ts'
import { unary, unaryMethods, type UnaryMethod } from './orders.ts'
import { createReflection } from './reflection.ts'
import { watch } from './watch.ts'

type Kind = { request: boolean; response: boolean }
const oneToOne: Kind = { request: false, response: false }
const oneToMany: Kind = { request: false, response: true }
const manyToMany: Kind = { request: true, response: true }

/** `request`, `response`: names of messages in the package of the service. The library does not type handlers of all kinds alike. */
type Method = { kind: Kind; request: string; response: string; handler: unknown }

const definitionOf = (path: string, space: string, { kind, request, response }: Method) => {
  const [asked, answered] = [codecOf(`${space}.${request}`), codecOf(`${space}.${response}`)]
  return {
    path,
    requestStream: kind.request,
    responseStream: kind.response,
    requestSerialize: asked.encode,
    requestDeserialize: asked.decode,
    responseSerialize: answered.encode,
    responseDeserialize: answered.decode,
  }
}

const addService = (server: Server, service: string, methods: Readonly<Record<string, Method>>): void => {
  const space = service.slice(0, service.lastIndexOf('.'))
  const definitions: Record<string, ReturnType<typeof definitionOf>> = {}
  const handlers: Record<string, UntypedHandleCall> = {}
  for (const [name, method] of Object.entries(methods)) {
    definitions[name] = definitionOf(`/${service}/${name}`, space, method)
    handlers[name] = method.handler as UntypedHandleCall
  }
  server.addService(definitions, handlers)
}

/** The calls whose answer is the order itself. */
const answersOrder: ReadonlySet<UnaryMethod> = new Set(['Cancel', 'Get'])

const orderMethods = (door: Door): Record<string, Method> => ({
  ...Object.fromEntries(
    unaryMethods.map((name) => [
      name,
      {
        kind: oneToOne,
        request: `${name}Request`,
        response: answersOrder.has(name) ? 'Order' : `${name}Response`,
        handler: unary(name, door),
      },
    ]),
  ),
  Watch: { kind: oneToMany, request: 'WatchRequest', response: 'WatchResponse', handler: watch(door) },
})

/** `stop`: ends what would go on for ever, and needs no end of ours otherwise. */
export const addServices = (server: Server, door: Door): { stop: () => void } => {
  addService(server, 'orders.v1.Orders', orderMethods(door))
  const health = createHealth(door)
  const healthMessages = { request: 'HealthCheckRequest', response: 'HealthCheckResponse' }
  addService(server, 'grpc.health.v1.Health', {
    Check: { kind: oneToOne, ...healthMessages, handler: health.check },
    Watch: { kind: oneToMany, ...healthMessages, handler: health.watch },
  })
  const reflection = createReflection()
  for (const version of ['v1', 'v1alpha'])
    addService(server, `grpc.reflection.${version}.ServerReflection`, {
      ServerReflectionInfo: {
        kind: manyToMany,
        request: 'ServerReflectionRequest',
        response: 'ServerReflectionResponse',
        handler: reflection.answer,
      },
    })
  return {
    stop() {
      health.stop()
      reflection.stop()
    },
  }
}
