// The routes of the blotter: the page, and the files that it loads.

import { Type } from '@sinclair/typebox'
import { oneOf } from '../../wire/shapes.ts'
import { routeRefusals, type HeaderShape, type OperationContract } from './operation.ts'

export const pageAssets = ['page.js', 'page.css', 'feed.js'] as const

/** Of a whole answer and of a 304 alike. */
const cacheHeaders: Readonly<Record<string, HeaderShape>> = {
  ETag: { schema: Type.String(), description: 'Changes with the content. Send it as `If-None-Match`.' },
  Vary: { schema: Type.String(), description: 'A cache keeps each coding apart.' },
  'Cache-Control': { schema: Type.Literal('no-cache'), description: 'A browser asks each time, mostly for a 304.' },
}
const headers: Readonly<Record<string, HeaderShape>> = {
  ...cacheHeaders,
  'Content-Encoding': { schema: Type.Literal('gzip'), description: 'Where the client takes it.', optional: true },
}
const notModified = { description: 'The client has it.', headers: cacheHeaders }
const refusals = { ...routeRefusals, NOT_FOUND: { description: 'The page is turned off (`BLOTTER=false`).' } }

export const blotterOperations = {
  blotter: {
    method: 'GET',
    path: '/',
    tag: 'Operation',
    needs: 'process',
    audience: 'everybody',
    access: 'open',
    summary: 'The blotter: a page that shows orders as they change',
    description:
      'It calls the routes below with the credential that its user gives it, and loads nothing from elsewhere.',
    answers: {
      200: { description: 'The page.', body: Type.String(), types: ['text/html; charset=utf-8'], headers },
      304: notModified,
    },
    refusals,
  },
  blotterAsset: {
    method: 'GET',
    path: '/blotter/{asset}',
    tag: 'Operation',
    needs: 'process',
    audience: 'everybody',
    access: 'open',
    summary: 'What the blotter needs',
    params: Type.Object({ asset: oneOf(pageAssets) }),
    answers: {
      200: {
        description: 'A script or a style sheet.',
        body: Type.String(),
        types: ['text/javascript; charset=utf-8', 'text/css; charset=utf-8'],
        headers,
      },
      304: notModified,
    },
    refusals: { ...refusals, NOT_FOUND: { description: 'There is no such file, or the page is turned off.' } },
  },
} as const satisfies Record<string, OperationContract>
