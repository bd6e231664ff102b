// The routes of the contracts themselves.

import { Type } from '@sinclair/typebox'
import { pageNames } from '../../handbook/pages.ts'
import { oneOf } from '../../wire/shapes.ts'
import { routeRefusals, type OperationContract } from './operation.ts'

export const assetNames = ['swagger-ui-bundle.js', 'swagger-ui.css', 'page.js', 'page.css', 'handbook.css'] as const

const policy = {
  schema: Type.String(),
  description: 'Nothing is loaded from anywhere but here.',
}

/** A document with its version member; the OpenAPI and AsyncAPI specifications define the others. */
const openDocument = (name: 'openapi' | 'asyncapi') =>
  Type.Object({ [name]: Type.String() }, { additionalProperties: true })

export const contractOperations = {
  openApi: {
    method: 'GET',
    path: '/openapi.json',
    tag: 'Contracts',
    needs: 'process',
    audience: 'everybody',
    access: 'open',
    summary: 'This document',
    answers: { 200: { description: 'OpenAPI 3.1.', body: openDocument('openapi') } },
    refusals: routeRefusals,
  },
  asyncApi: {
    method: 'GET',
    path: '/asyncapi.json',
    tag: 'Contracts',
    needs: 'process',
    audience: 'everybody',
    access: 'open',
    summary: 'The topics, their messages and their headers',
    answers: { 200: { description: 'AsyncAPI 3.0.', body: openDocument('asyncapi') } },
    refusals: routeRefusals,
  },
  proto: {
    method: 'GET',
    path: '/orders.proto',
    tag: 'Contracts',
    needs: 'process',
    audience: 'everybody',
    access: 'open',
    summary: 'The service and the messages of gRPC',
    answers: { 200: { description: 'A proto3 file.', body: Type.String(), types: ['text/plain; charset=utf-8'] } },
    refusals: routeRefusals,
  },
  docs: {
    method: 'GET',
    path: '/docs',
    tag: 'Contracts',
    needs: 'process',
    audience: 'everybody',
    access: 'open',
    summary: 'The contracts for a person, without internet',
    answers: {
      200: {
        description: 'A page.',
        body: Type.String(),
        types: ['text/html; charset=utf-8'],
        headers: { 'Content-Security-Policy': policy },
      },
    },
    refusals: routeRefusals,
  },
  docsAsset: {
    method: 'GET',
    path: '/docs/{asset}',
    tag: 'Contracts',
    needs: 'process',
    audience: 'everybody',
    access: 'open',
    summary: 'What the pages need',
    params: Type.Object({ asset: oneOf(assetNames) }),
    answers: {
      200: {
        description: 'A script or a style sheet.',
        body: Type.String(),
        types: ['text/javascript; charset=utf-8', 'text/css; charset=utf-8'],
        headers: {
          'Cache-Control': { schema: Type.String(), description: 'The binary brings its own copy along.' },
        },
      },
    },
    refusals: { ...routeRefusals, NOT_FOUND: { description: 'There is no such file.' } },
  },
  handbookPage: {
    method: 'GET',
    path: '/docs/handbook/{page}',
    tag: 'Contracts',
    needs: 'process',
    audience: 'everybody',
    access: 'open',
    summary: 'A page of the handbook',
    description: 'HTML, or its source if `Accept` names `text/markdown` and prefers it.',
    params: Type.Object({ page: oneOf(pageNames) }),
    answers: {
      200: {
        description: 'The page.',
        body: Type.String(),
        types: ['text/html; charset=utf-8', 'text/markdown; charset=utf-8'],
        headers: { 'Content-Security-Policy': policy },
      },
    },
    refusals: { ...routeRefusals, NOT_FOUND: { description: 'The handbook has no such page.' } },
  },
} as const satisfies Record<string, OperationContract>
