// Promises: what a junit report says, as numbers: each test counted once, errors as failures. Pure.

export interface TestCounts {
  passed: number
  failed: number
  skipped: number
}

/** Counts the test cases themselves: the sums in the suites' attributes are nested and differ between writers. */
export function countTests(xml: string): TestCounts {
  const counts = { passed: 0, failed: 0, skipped: 0 }
  for (const [, attributes = '', body = ''] of xml.matchAll(testCase)) {
    const children = attributes.endsWith('/') ? '' : body
    if (/<(failure|error)[\s/>]/.test(children)) counts.failed += 1
    else if (/<(skipped|todo)[\s/>]/.test(children)) counts.skipped += 1
    else counts.passed += 1
  }
  return counts
}

/** Attribute values may hold `>`, so they are read as quoted text; a case without children ends in `/>`. */
const testCase = /<testcase((?:\s+[\w:.-]+="[^"]*")*\s*\/?)>(?:(?<=\/>)|([\s\S]*?)<\/testcase>)/g

/** The closing line. */
export function summarise({ passed, failed, skipped }: TestCounts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}
