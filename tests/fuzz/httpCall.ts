// Sends one case and judges its answer: null, or a sentence about the fault.

import { answerFault, isVoided, rawAnswerFault, takenOrder, type TakenOrder } from './checkAnswer.ts'
import { batchFault, keysOf, promisedBy } from './checkBatch.ts'
import { expectAnswer } from './expectedAnswer.ts'
import { canceledIn } from './expectedMany.ts'
import type { Key, Resolution, Terms } from './expectedOrder.ts'
import type { HttpCase, HttpRequest, RawBytes } from './requests.ts'
import type { Wire } from './wire.ts'

export type CallVerdict = {
  /** 0: no answer. */
  status: number
  fault: string | null
  placed: readonly (TakenOrder & { terms: Terms })[]
  /** Orders whose key another order held. */
  mismatched: readonly Terms[]
  /** Keys that are void: by this request, or as the refusal of an order says. */
  voided: readonly Key[]
  resolved: (Resolution & { id: string }) | null
  /** Orders that were canceled. */
  canceled: readonly string[]
}

const hangMs = 120_000
/** A server may wait for the rest of broken bytes; the fuzzer does not wait long. */
const rawMs = 200
const abandonMs = 5
const chunkBytes = 7_001

export const nothing: CallVerdict = {
  status: 0,
  fault: null,
  placed: [],
  mismatched: [],
  voided: [],
  resolved: null,
  canceled: [],
}

const chunked = (body: Buffer): Buffer => {
  const parts: Buffer[] = []
  for (let at = 0; at < body.length; at += chunkBytes) {
    const part = body.subarray(at, at + chunkBytes)
    parts.push(Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n'))
  }
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')])
}

export const bytesOf = ({ method, target, headers, body, framing }: HttpRequest): Buffer => {
  const framed =
    body === null ? [] : [framing === 'length' ? `Content-Length: ${body.length}` : 'Transfer-Encoding: chunked']
  const lines = [
    `${method} ${target} HTTP/1.1`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
    ...framed,
    '',
    '',
  ]
  const head = Buffer.from(lines.join('\r\n'), 'latin1')
  return body === null ? head : Buffer.concat([head, framing === 'length' ? body : chunked(body)])
}

const callRaw = async (wire: Wire, { bytes, abandon, requests }: RawBytes): Promise<CallVerdict> => {
  if (abandon) {
    await wire.abandon(bytes, abandonMs)
    return nothing
  }
  const { answers } = await wire.send(bytes, { answers: requests, headOnly: false, timeoutMs: rawMs })
  wire.close()
  const faults = answers.map(rawAnswerFault).filter((fault) => fault !== null)
  return { ...nothing, status: answers[0]?.status ?? 0, fault: faults[0] ?? null }
}

const callRequest = async (wire: Wire, request: HttpRequest): Promise<CallVerdict> => {
  const expected = expectAnswer(request)
  const headOnly = request.method === 'HEAD'
  const { answers, ended, rest } = await wire.send(bytesOf(request), { answers: 1, headOnly, timeoutMs: hangMs })
  const answer = answers[0]
  if (answer === undefined)
    return {
      ...nothing,
      fault: ended === 'silent' ? `no answer within ${hangMs} ms` : 'the connection was closed without an answer',
    }
  const { status } = answer
  const { terms, results, resolution, voiding } = expected
  const isBatch = results !== null && status === 200
  const fault =
    answerFault(answer, expected, headOnly) ??
    (isBatch ? batchFault(answer, results, expected.path) : null) ??
    (rest === '' ? null : 'more came than one answer')
  const isDelete = request.method === 'DELETE'
  const isCancel = isDelete || request.method === 'POST'
  const cancel = (isDelete ? /^\/orders\/([^/?]+)\/?(?:\?|$)/ : /^\/orders\/([^/]+)\/cancel$/).exec(request.target)?.[1]
  const isMany = isDelete && status === 200 && /^\/orders(\?|$)/.test(request.target)
  const many = isMany ? canceledIn(answer) : null
  return {
    status,
    fault: fault ?? (isMany && many === null ? 'no list of what was canceled' : null),
    ...(isBatch
      ? promisedBy(answer, results)
      : {
          placed: status === 202 && fault === null && terms !== null ? [{ ...takenOrder(answer), terms }] : [],
          mismatched: status === 422 && terms !== null ? [terms] : [],
          voided:
            status === 409 ? keysOf(terms) : status === 200 && voiding !== null && isVoided(answer) ? [voiding] : [],
        }),
    resolved: status === 200 ? resolution : null,
    canceled: many ?? (status === 200 && isCancel && cancel !== undefined ? [cancel.toLowerCase()] : []),
  }
}

export const callHttpCase = (wire: Wire, hostile: HttpCase): Promise<CallVerdict> =>
  hostile.kind === 'raw' ? callRaw(wire, hostile) : callRequest(wire, hostile)
