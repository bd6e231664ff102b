// Proves: every link of the documents leads to a file, and to a heading where it names one; every path of a file that they name
// exists; every alert leads to its section of the runbook.

import { describe, expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { Glob } from 'bun'
import { inRepo } from '../../src/build/repository.ts'
import { anchorsOf, filesOf, linksOf, pathsOf } from '../support/markdown.ts'

const root = inRepo()
const documents = ['README.md', 'src/README.md', 'src/handbook/*.md', 'tests/README.md', 'tests/*/README.md'].flatMap(
  (pattern) => [...new Glob(pattern).scanSync(root)].map((path) => path.replaceAll('\\', '/')).toSorted(),
)

const read = (path: string): Promise<string> => Bun.file(inRepo(path)).text()

/** What is wrong with a link of this document, or null. */
const linkFault = async (document: string, link: string): Promise<string | null> => {
  if (/^[a-z]+:/.test(link)) return null
  const [path, anchor] = link.split('#') as [string, string?]
  const target = path === '' ? document : relative(root, join(root, dirname(document), path))
  if (target.startsWith('..') || !existsSync(inRepo(target))) return `${link}: there is no file ${target}`
  if (anchor === undefined || !target.endsWith('.md')) return null
  return anchorsOf(await read(target)).includes(anchor) ? null : `${link}: ${target} has no heading #${anchor}`
}

/** A path may be a pattern: `limits/*.sql`, `main.{ts,js}`. */
const exists = (path: string): boolean =>
  existsSync(inRepo(path)) ||
  (/[*{]/.test(path) && !new Glob(path).scanSync({ cwd: root, onlyFiles: false }).next().done)

test('the documents are found', () => {
  expect(documents).toContain('src/handbook/runbook.md')
  expect(documents).toContain('tests/bench/README.md')
})

describe.each(documents)('%s', (document) => {
  test('has links that lead somewhere', async () => {
    const faults = await Promise.all(linksOf(await read(document)).map((link) => linkFault(document, link)))
    expect(faults.filter((fault) => fault !== null)).toEqual([])
  })

  test('names files that exist', async () => {
    const missing = pathsOf(await read(document)).filter((path) => !/[<>]/.test(path) && !exists(path))
    expect(missing).toEqual([])
    // The documents of a folder may name its files from there, and those of the service from src.
    const bases = ['', 'src/', `${dirname(document)}/`]
    const unknown = filesOf(await read(document)).filter((path) => !bases.some((base) => exists(base + path)))
    expect(unknown).toEqual([])
  })
})

describe('the reader of documents', () => {
  test('names headings as a git host does', () => {
    const text =
      '# The `a.b` call\n\n## POST /orders/{id}\n\n```sh\n# no heading\n```\n## A + B_c\n## A + B_c\n### [x](y.md)\n'
    expect(anchorsOf(text)).toEqual(['the-ab-call', 'post-ordersid', 'a--b_c', 'a--b_c-1', 'x'])
  })

  test('finds links, pictures and paths, and nothing in a block that looks like a link', () => {
    const text =
      '[a](x.md#y) ![b](c.svg "t")\n```ts\nf[0](z.md)\nbun tests/a/b.ts\n```\n`src/a.ts`, `sql/`, (tests/*/c.md).'
    expect(linksOf(text)).toEqual(['x.md#y', 'c.svg'])
    expect(filesOf('`store/sql.ts` store/x.ts `limits/*.sql` `a/b`')).toEqual(['store/sql.ts', 'limits/*.sql'])
    expect(pathsOf(text)).toEqual(['tests/a/b.ts', 'src/a.ts', 'sql/', 'tests/*/c.md'])
  })

  test('finds a link to no file, to no heading and out of the repository', async () => {
    expect(await linkFault('src/handbook/api.md', 'none.md')).toContain('no file src/handbook/none.md')
    expect(await linkFault('src/handbook/api.md', 'runbook.md#none')).toContain('no heading #none')
    expect(await linkFault('src/handbook/api.md', '#none')).toContain('src/handbook/api.md has no heading #none')
    expect(await linkFault('README.md', '../x.md')).toContain('no file')
    expect(await linkFault('README.md', 'https://example.org/x.md#y')).toBeNull()
    expect(exists('src/none.ts')).toBeFalse()
    expect(exists('tests/*/none.md')).toBeFalse()
    expect(exists('sql/*.sql')).toBeTrue()
  })
})
