// What the document says about OPTIONS, which the server answers on every path.

import { Type } from '@sinclair/typebox'
import { allow, type HeaderShape } from './operation.ts'

const text = (description: string): HeaderShape => ({ schema: Type.String(), description, optional: true })

/** The headers of the answer to a preflight, which a browser sends for a page of another origin. */
const preflight: Readonly<Record<string, HeaderShape>> = {
  'Access-Control-Allow-Methods': text('The methods that a page of an allowed origin may use.'),
  'Access-Control-Allow-Headers': text('The headers that it may send.'),
  'Access-Control-Max-Age': text('For how many seconds a browser may keep this answer.'),
}

const idOf = (path: string): string =>
  `options${path.replace(/[^A-Za-z]+([A-Za-z]?)/g, (_, letter: string) => letter.toUpperCase())}`

/** The OPTIONS operation of a path. `methods`: the methods of the path's operations. */
export const optionsOf = (path: string, methods: readonly string[]) => {
  const names = methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
  const example = [...names, 'OPTIONS'].toSorted().join(', ')
  const headers: Readonly<Record<string, HeaderShape>> = {
    Allow: { ...allow.Allow, schema: Type.String({ examples: [example] }) },
    ...preflight,
  }
  return { operationId: idOf(path), summary: 'The methods of this path', headers }
}
