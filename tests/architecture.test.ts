// Proves: the code has the shape that the design fixes.

import { describe, expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { Glob } from 'bun'

const root = join(import.meta.dir, '..')
type File = { path: string; text: string }

const readFiles = (pattern: string): Promise<File[]> =>
  Promise.all(
    [...new Glob(pattern).scanSync(root)]
      .map((path) => path.replaceAll('\\', '/'))
      .toSorted()
      .map(async (path) => ({ path, text: await Bun.file(join(root, path)).text() })),
  )

const files = await readFiles('src/**/*.{ts,tsx}')
const testFiles = await readFiles('tests/**/*.ts')
const named = (hits: readonly File[]) => hits.map(({ path }) => path)

/** The code without its comments, which may speak of anything. */
const codeOf = (text: string) => text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1')

/** The rooms of src, each with those that it may import beside itself; `top` is what lies in src itself. */
const floors = ['domain', 'wire', 'store', 'telemetry', 'app'] as const
const allowed = {
  domain: [],
  // Texts: no room is below them.
  handbook: [],
  wire: ['domain'],
  store: ['domain', 'wire'],
  telemetry: [],
  app: floors,
  relay: floors,
  tail: floors,
  publisher: [...floors, 'tail'],
  kafka: [...floors, 'relay', 'publisher'],
  http: [...floors, 'handbook'],
  fix: floors,
  grpc: floors,
  // It looks at every part; only the composition looks at it.
  metrics: [...floors, 'relay', 'publisher', 'kafka', 'http', 'fix', 'grpc'],
  config: [...floors, 'relay', 'publisher', 'kafka', 'http', 'fix'],
  serve: [...floors, 'relay', 'tail', 'publisher', 'kafka', 'http', 'grpc', 'fix', 'metrics', 'config', 'top'],
  verify: [...floors, 'relay', 'tail', 'kafka', 'config', 'serve'],
  redrive: [...floors, 'kafka', 'config', 'serve'],
  adopt: [...floors, 'kafka', 'config', 'serve', 'verify'],
  client: [...floors, 'config'],
  watch: [...floors, 'config', 'client'],
  operate: [...floors, 'config', 'client'],
  // The page, bundled for a browser: no file of the service is in it but the rules that both share. Of the metrics it reads the alerts'
  // thresholds when it is built.
  blotter: ['domain', 'wire', 'metrics'],
  commands: [...floors, 'handbook', 'http', 'fix', 'metrics', 'config', 'serve', 'operate'],
  // What makes a release and writes tables of the handbook; nothing of the service imports it.
  build: ['config', 'metrics', 'top'],
  // main.ts loads each command when it is asked for.
  top: [...floors, 'http', 'serve', 'verify', 'redrive', 'adopt', 'watch', 'operate', 'commands'],
} as const satisfies Record<string, readonly string[]>
type Room = keyof typeof allowed

const roomOf = (path: string): Room => (/^src\/([a-z]+)\//.exec(path)?.[1] ?? 'top') as Room

/** Paths of this repository that a file imports, types included; packages are left out. */
const importsOf = ({ path, text }: File): string[] =>
  [...codeOf(text).matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'(\.{1,2}\/[^']+)'/g)].map(([, target]) =>
    normalize(join(dirname(path), target!)).replaceAll('\\', '/'),
  )
const packagesOf = ({ text }: File): string[] =>
  [...codeOf(text).matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'([^.'][^']*)'/g)].map(([, name]) => name!)

test('the rooms are those of the design', () => {
  expect([...new Set(files.map(({ path }) => roomOf(path)))].toSorted()).toEqual(
    (Object.keys(allowed) as Room[]).toSorted(),
  )
})

describe('imports point one way', () => {
  test.each(files.map((file) => [file.path, file] as const))('%s', (path, file) => {
    const room = roomOf(path)
    const mayImport: readonly Room[] = [room, ...allowed[room]]
    const wrong = importsOf(file).filter((target) =>
      target.startsWith('sql/') ? path !== 'src/store/migrations.ts' : !mayImport.includes(roomOf(target)),
    )
    expect(wrong).toEqual([])
  })

  /** Arrows between folders; a file of a folder and its own subfolders count as different places. */
  const arrows = new Map<string, Set<string>>()
  for (const file of files)
    for (const target of importsOf(file)) {
      const [from, to] = [dirname(file.path), dirname(target)]
      if (from !== to && to.startsWith('src/')) arrows.set(from, (arrows.get(from) ?? new Set()).add(to))
    }
  const circleFrom = (start: string): string[] | null => {
    const ways: string[][] = [[start]]
    const visited = new Set<string>()
    for (let way = ways.pop(); way !== undefined; way = ways.pop())
      for (const next of arrows.get(way.at(-1)!) ?? []) {
        if (next === start) return [...way, start]
        if (!visited.has(next)) ways.push([...way, next])
        visited.add(next)
      }
    return null
  }
  test.each([...arrows.keys()])('no circle of folders leads back to %s', (folder) => {
    expect(circleFrom(folder)).toBeNull()
  })

  test('the domain knows no package at all', () => {
    expect(named(files.filter((file) => roomOf(file.path) === 'domain' && packagesOf(file).length > 0))).toEqual([])
  })

  test('each foreign library has one place', () => {
    const users = (name: RegExp) =>
      new Set(files.filter((file) => packagesOf(file).some((used) => name.test(used))).map(({ path }) => roomOf(path)))
    expect(users(/^postgres$/)).toEqual(new Set(['store'] as const))
    expect(users(/^elysia$/)).toEqual(new Set(['http'] as const))
    expect(users(/^@platformatic\/kafka$/)).toEqual(new Set(['kafka'] as const))
    expect(named(files.filter((file) => packagesOf(file).some((name) => /opentelemetry/.test(name))))).toEqual([
      'src/telemetry/otlp.ts',
    ])
    expect(users(/^jose$/)).toEqual(new Set(['http'] as const))
  })

  test('values of the Kafka library come from one place', () => {
    const loaders = files.filter(({ text }) =>
      /(?:import|export) (?!type\b)[^'"]*from '@platformatic\/kafka'/.test(codeOf(text)),
    )
    expect(named(loaders)).toEqual(['src/kafka/library.ts'])
  })

  test('every import leads to a file', () => {
    const known = new Set(named(files))
    const missing = files.flatMap(importsOf).filter((target) => !known.has(target) && !existsSync(join(root, target)))
    expect(missing).toEqual([])
  })

  test('nothing in src imports a test', () => {
    expect(named(files.filter((file) => importsOf(file).some((target) => target.startsWith('tests/'))))).toEqual([])
  })
})

describe('a file', () => {
  test('has at most 250 lines', () => {
    expect(named(files.filter(({ text }) => text.trimEnd().split('\n').length > 250))).toEqual([])
  })

  test('begins by saying what it is for', () => {
    const silent = files.filter(({ path, text }) => !/^\/\/ \S/.test(text) && !path.endsWith('.d.ts'))
    expect(named(silent)).toEqual([])
  })

  test('of tests begins by saying what it proves, a file beside them what it is for', () => {
    const silent = testFiles.filter(({ path, text }) =>
      path.endsWith('.test.ts') ? !text.startsWith('// Proves: ') : !/^\/\/ \S/.test(text),
    )
    expect(named(silent)).toEqual([])
  })

  test('uses no console: it would wait for its reader', () => {
    const users = files.filter(({ text }) => /\bconsole\s*\./.test(codeOf(text)))
    expect(named(users.filter(({ path }) => roomOf(path) !== 'build'))).toEqual([])
  })

  test('has no any, no enum and no skipped check', () => {
    const sloppy = files.filter(
      ({ text }) =>
        /(?::|<|\bas)\s*any\b/.test(codeOf(text)) || /\benum \w/.test(codeOf(text)) || /@ts-|oxlint-disable/.test(text),
    )
    expect(named(sloppy)).toEqual([])
  })
})

describe('every write is one statement', () => {
  test('no transaction and no reserved connection of the driver', () => {
    const users = files.filter(({ text }) =>
      /\b(?:sql|tx|db|pool|postgres)\w*\s*\.\s*(?:begin|reserve|savepoint)\b/i.test(codeOf(text)),
    )
    expect(named(users)).toEqual([])
    expect(named(files.filter(({ text }) => /\.\s*(?:reserve|savepoint)\s*\(/.test(codeOf(text))))).toEqual([])
  })

  test('a transaction by hand stands in the migrations and in the take-over alone', () => {
    // To Kafka's client the word means offsets, to a metric the label with the commit; no statement for Postgres is written there.
    const others = files.filter(({ path }) => !/^src\/(kafka|metrics)\//.test(path))
    const users = others.filter(({ text }) => /[`'"]\s*(?:begin|start transaction|commit)\b/i.test(codeOf(text)))
    expect(named(users)).toEqual([
      'src/adopt/backSql.ts',
      'src/adopt/copySql.ts',
      'src/adopt/settle.ts',
      'src/store/migrate.ts',
    ])
  })

  test('text that is not a template reaches Postgres from the migrations and the take-over alone', () => {
    const users = files.filter(({ text }) => /\.unsafe\s*\(/.test(codeOf(text)))
    expect(named(users)).toEqual(['src/adopt/script.ts', 'src/store/migrate.ts'])
  })
})
