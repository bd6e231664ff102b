// The schemas of problems, and the list of the schemas that have a name in the document. The schemas of answers are in the files that
// write the answers: wire/order.ts, orders/answers.ts, exceptions/answers.ts, operators/.

import { Type, type TProperties, type TSchema } from '@sinclair/typebox'
import { Event, OrderEvent } from '../../wire/event.ts'
import { Order, Status } from '../../wire/order.ts'
import { TradeException, Resolution } from '../exceptions/answers.ts'
import { ReportException } from '../exceptions/reportAnswers.ts'
import { faultsMax, problems, type ProblemCode } from '../exchange/problem.ts'
import { Link } from '../operators/actuator.ts'
import { Component } from '../operators/health.ts'
import { Fill } from '../orders/answers.ts'
import { Armed, CanceledMany, CancelAfter } from '../orders/many.ts'
import { ruleSchemas } from '../rules/answers.ts'
import { PutInstrument, PutTrading } from '../rules/decode.ts'

const Fault = Type.Object(
  {
    pointer: Type.String({
      description: 'RFC 6901 into the body; `?name` for a parameter, `header:Name` for a header, empty for the whole.',
    }),
    detail: Type.String(),
  },
  { component: 'Fault', description: 'One fault of a request.' },
)

export const noMembers = {}

const AnswerTime = Type.String({
  format: 'date-time',
  pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$',
  description: 'When it was answered: ISO-8601, UTC.',
})
const RequestPath = Type.String({
  maxLength: 256,
  pattern: "^([A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*$",
  description: 'The path of the request as received, without its query, percent-encoded, at most 256 characters.',
})

/** The schema of a problem with this code. `members`: the members that it has beside the standard ones. */
export const problemShape = <C extends ProblemCode, M extends TProperties>(code: C, members: M) =>
  Type.Object({
    type: Type.Literal(`urn:orders:problem:${problems[code].type}`),
    title: Type.String(),
    status: Type.Literal(problems[code].status),
    detail: Type.String({ description: 'What to change.' }),
    code: Type.Literal(code),
    message: Type.String({ description: 'The same as `detail`.' }),
    errors: Type.Array(Fault, {
      maxItems: faultsMax,
      description:
        'Every fault of the request, not the first alone; of very many the first. `detail` says how many more there are.',
    }),
    timestamp: AnswerTime,
    error: Type.Literal(problems[code].error, { description: 'The reason phrase of the status.' }),
    path: RequestPath,
    ...members,
  })

/** The schemas that the document defines once, each under the name in its `component`. */
export const components: readonly TSchema[] = [
  Order,
  Event,
  OrderEvent,
  Fill,
  CanceledMany,
  CancelAfter,
  Armed,
  TradeException,
  ReportException,
  ...ruleSchemas,
  PutInstrument,
  PutTrading,
  Resolution,
  Link,
  Component,
  Fault,
  Status,
]
