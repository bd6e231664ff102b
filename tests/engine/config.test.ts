// Proves: the engine is of the old kind unless ENGINE_FEATURES says otherwise, which may not name what there is not.

import { expect, test } from 'bun:test'
import { readConfig } from './config.ts'
import { FEATURES, oldKind } from './features.ts'

test('features are a comma-separated list, none by default', () => {
  for (const env of [{}, { ENGINE_FEATURES: '' }]) expect(readConfig(env).features).toEqual(oldKind)
  expect(readConfig({ ENGINE_FEATURES: 'reports,display, post-only' }).features).toEqual(new Set(FEATURES))
  expect(readConfig({ ENGINE_FEATURES: 'display' }).features).toEqual(new Set(['display']))
})

test('an unknown feature, and post-only without reports, stop the start', () => {
  expect(() => readConfig({ ENGINE_FEATURES: 'reports,icebergs' })).toThrow('ENGINE_FEATURES has icebergs')
  expect(() => readConfig({ ENGINE_FEATURES: 'post-only,display' })).toThrow('post-only, which needs reports')
})

test('each topic has a name of its own', () => {
  expect(readConfig({ KAFKA_TOPIC_ORDER_REPORT: 'r' }).topics).toEqual({
    placed: 'order.placed.v1',
    cancelled: 'order.cancelled.v1',
    trades: 'trade.executed.v1',
    reports: 'r',
  })
})
