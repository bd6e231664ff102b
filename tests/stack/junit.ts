// Reads a junit report: numbers and names, each test counted once, errors as failures. Pure.

export interface TestCounts {
  passed: number
  failed: number
  skipped: number
}

/** Counts the test cases themselves: the sums in the suites' attributes are nested and differ between writers. */
export function countTests(xml: string): TestCounts {
  const counts = { passed: 0, failed: 0, skipped: 0 }
  for (const { outcome } of casesIn(xml)) counts[outcome] += 1
  return counts
}

/** The tests that failed, each as `file: name`. */
export function failedTests(xml: string): string[] {
  return casesIn(xml)
    .filter(({ outcome }) => outcome === 'failed')
    .map(({ attributes }) => `${attribute(attributes, 'file')}: ${attribute(attributes, 'name')}`)
}

interface TestCase {
  attributes: string
  outcome: keyof TestCounts
}

function casesIn(xml: string): TestCase[] {
  return [...xml.matchAll(testCase)].map(([, attributes = '', body = '']) => {
    const children = attributes.endsWith('/') ? '' : body
    return { attributes, outcome: outcomeOf(children) }
  })
}

function outcomeOf(children: string): keyof TestCounts {
  if (/<(failure|error)[\s/>]/.test(children)) return 'failed'
  return /<(skipped|todo)[\s/>]/.test(children) ? 'skipped' : 'passed'
}

const entities: Record<string, string> = { quot: '"', apos: "'", lt: '<', gt: '>', amp: '&' }

function attribute(attributes: string, name: string): string {
  const value = new RegExp(`\\s${name}="([^"]*)"`).exec(attributes)?.[1] ?? ''
  return value.replace(/&(\w+);/g, (whole, entity: string) => entities[entity] ?? whole)
}

/** Attribute values may hold `>`, so they are read as quoted text; a case without children ends in `/>`. */
const testCase = /<testcase((?:\s+[\w:.-]+="[^"]*")*\s*\/?)>(?:(?<=\/>)|([\s\S]*?)<\/testcase>)/g

/** The closing line. */
export function summarise({ passed, failed, skipped }: TestCounts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}
