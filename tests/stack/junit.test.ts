// Proves: a junit report is counted right, and the tests that failed are named.

import { expect, test } from 'bun:test'
import { countTests, failedTests, shorten, summarise } from './junit.ts'

const report = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="bun test" tests="5" failures="1" skipped="1">
  <testsuite name="a.test.ts" tests="5">
    <testsuite name="nested &gt; deeper" tests="2">
      <testcase name="a &quot;quoted&quot; > b" classname="x" time="0.1" file="a.test.ts" line="3" />
      <testcase name="fails" classname="x" time="0" file="a.test.ts"><failure type="AssertionError">no <skipped/> here</failure></testcase>
    </testsuite>
    <testcase name="skipped one" classname="x"><skipped /></testcase>
    <testcase name="errs" classname="x"><error message="boom"/></testcase>
    <testcase name="with output" classname="x"><system-out>ok</system-out></testcase>
  </testsuite>
</testsuites>`

test('every test case is counted once, errors as failures', () => {
  expect(countTests(report)).toEqual({ passed: 2, failed: 2, skipped: 1 })
})

test('those that failed are named with their files, and say why', () => {
  const odd = `<testcase name="says &quot;&lt;no&gt;&quot; &amp; more" classname="x" time="1" file="b.test.ts" line="1"><failure/></testcase>`
  const long = `<testcase name="c" file="c.test.ts"><failure type="Error" message="x &gt; y&#10;">Error: x &gt; y&#10;  at c:1&#10;</failure></testcase>`
  expect(failedTests(`${report}${odd}${long}`)).toEqual([
    { name: 'a.test.ts: fails', why: 'no <skipped/> here' },
    { name: ': errs', why: 'boom' },
    { name: 'b.test.ts: says "<no>" & more', why: '' },
    { name: 'c.test.ts: c', why: 'Error: x > y\n  at c:1' },
  ])
})

test('of a long reason the first and the last lines are shown', () => {
  const lines = Array.from({ length: 40 }, (_, n) => `line ${n}`)
  const shown = shorten([...lines, 'x'.repeat(400)].join('\n')).split('\n')
  expect(shown).toHaveLength(31)
  expect([shown[0], shown[14], shown[15], shown[16], shown[30]]).toEqual([
    'line 0',
    'line 14',
    '… 11 lines …',
    'line 26',
    `${'x'.repeat(300)}…`,
  ])
  expect(shorten('one\ntwo')).toBe('one\ntwo')
})

test('a report without tests counts nothing', () => {
  expect(countTests('<testsuites name="bun test" tests="0"></testsuites>')).toEqual({
    passed: 0,
    failed: 0,
    skipped: 0,
  })
})

test('skipped tests are named only when there are some', () => {
  expect(summarise({ passed: 3, failed: 0, skipped: 0 })).toBe('3 passed, 0 failed')
  expect(summarise({ passed: 3, failed: 1, skipped: 2 })).toBe('3 passed, 1 failed, 2 skipped')
})
