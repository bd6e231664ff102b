// Proves: a junit report is counted right, and the tests that failed are named.

import { expect, test } from 'bun:test'
import { countTests, failedTests, summarise } from './junit.ts'

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

test('those that failed are named with their files', () => {
  const odd = `<testcase name="says &quot;&lt;no&gt;&quot; &amp; more" classname="x" time="1" file="b.test.ts" line="1"><failure/></testcase>`
  expect(failedTests(`${report}${odd}`)).toEqual(['a.test.ts: fails', ': errs', 'b.test.ts: says "<no>" & more'])
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
