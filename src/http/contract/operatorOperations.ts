// The routes for operators and for monitoring: health, version, metrics.

import { Type } from '@sinclair/typebox'
import { ActuatorLinks, springType } from '../operators/actuator.ts'
import { Alive, Health, Info, NotReady } from '../operators/health.ts'
import { routeRefusals, bugRefusals, type OperationContract } from './operation.ts'

/** A client gets Spring's media type only if it asks for it. */
const types = ['application/json', springType] as const
const prometheus = 'text/plain; version=0.0.4; charset=utf-8'

export const operatorOperations = {
  actuator: {
    method: 'GET',
    path: '/actuator',
    tag: 'Operation',
    needs: 'process',
    audience: 'operators',
    access: 'orders:admin',
    summary: 'Links to the routes below',
    answers: { 200: { description: 'The links, with the host that the request named.', body: ActuatorLinks, types } },
    refusals: routeRefusals,
  },
  health: {
    method: 'GET',
    path: '/actuator/health',
    tag: 'Operation',
    needs: 'process',
    audience: 'operators',
    access: 'orders:admin',
    summary: 'The health of every component',
    answers: {
      200: {
        description: 'UP; or DEGRADED: orders are taken, something else is not well.',
        body: Health,
        types,
      },
      503: { description: 'DOWN: Postgres is away, or the service starts.', body: Health, types },
    },
    refusals: bugRefusals,
  },
  liveness: {
    method: 'GET',
    path: '/actuator/health/liveness',
    tag: 'Operation',
    needs: 'process',
    audience: 'operators',
    access: 'open',
    summary: 'Whether the process is able to work; it looks at nothing else',
    answers: { 200: { description: 'It is.', body: Alive, types } },
    refusals: routeRefusals,
  },
  readiness: {
    method: 'GET',
    path: '/actuator/health/readiness',
    tag: 'Operation',
    needs: 'process',
    audience: 'operators',
    access: 'open',
    summary: 'Whether requests can be served; Kafka may be away',
    answers: {
      200: { description: 'They can.', body: Alive, types },
      503: { description: 'They cannot: starting, draining, or Postgres is away.', body: NotReady, types },
    },
    refusals: bugRefusals,
  },
  info: {
    method: 'GET',
    path: '/actuator/info',
    tag: 'Operation',
    needs: 'process',
    audience: 'operators',
    access: 'orders:admin',
    summary: 'What this binary is',
    answers: { 200: { description: 'Its name, version and commit.', body: Info, types } },
    refusals: bugRefusals,
  },
  prometheus: {
    method: 'GET',
    path: '/actuator/prometheus',
    tag: 'Operation',
    needs: 'process',
    audience: 'operators',
    access: 'orders:admin',
    summary: 'Metrics for Prometheus',
    answers: { 200: { description: 'The text format.', body: Type.String(), types: [prometheus] } },
    refusals: bugRefusals,
  },
  metrics: {
    method: 'GET',
    path: '/metrics',
    tag: 'Operation',
    needs: 'process',
    audience: 'operators',
    access: 'orders:admin',
    summary: 'The same metrics under the usual path',
    answers: { 200: { description: 'The text format.', body: Type.String(), types: [prometheus] } },
    refusals: bugRefusals,
  },
} as const satisfies Record<string, OperationContract>
