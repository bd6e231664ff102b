// Proves: what the build says of the packages inside the binary is true and complete, and it names what must not be shipped.

import { cpSync, mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import addFormats from 'ajv-formats'
import { askRegistry, audit, auditFaults, type Advisories } from '../../src/build/audit.ts'
import { licenseFaults, notices } from '../../src/build/licenses.ts'
import { runtimePackages, type Package } from '../../src/build/packages.ts'
import { inRepo } from '../../src/build/repository.ts'
import { createSbom } from '../../src/build/sbom.ts'
import { binary, crashingBinary } from '../support/binary.ts'
import { afterAll, beforeAll, describe, expect, test } from '../support/explained.ts'
import { temporaryDir } from '../support/servers.ts'
import { runBinary } from '../support/service.ts'

const packages = runtimePackages()
const named = (name: string): Package => packages.find((one) => one.name === name)!

describe('the packages inside the binary', () => {
  test('are those that the code imports, and theirs', async () => {
    const transpiler = new Bun.Transpiler({ loader: 'ts' })
    // What makes a release is no part of it.
    const paths = [...new Bun.Glob('src/**/*.ts').scanSync(inRepo())].filter((path) => !path.startsWith('src/build/'))
    const imports = await Promise.all(
      paths.map(async (path) => transpiler.scanImports(await Bun.file(inRepo(path)).text())),
    )
    const imported = new Set(
      imports
        .flat()
        .filter(({ path }) => !/^(\.|bun|node:)/.test(path))
        .map(({ path }) => /^(@[^/]+\/)?[^/]+/.exec(path)![0]),
    )
    const names = packages.map(({ name }) => name)
    expect([...imported].filter((name) => !names.includes(name))).toEqual([])
    expect(imported.size).toBeGreaterThan(4)
    // One that only another package uses.
    expect(names).toContain('memoirist')
    expect(names).not.toContain('typescript')
  })

  test('have licences that were decided on; another one is a fault', () => {
    expect(licenseFaults(packages)).toEqual([])
    expect(licenseFaults([{ ...named('elysia'), license: 'AGPL-3.0-only' }])).toEqual([
      expect.stringContaining('nobody decided to take the licence AGPL-3.0-only'),
    ])
  })

  test('bring their texts along: the binary prints each once', async () => {
    const { exitCode, out } = await runBinary(['licenses'])
    expect(exitCode).toBe(0)
    expect(out.trimEnd()).toBe(notices(packages).trimEnd())
    for (const { name, version, license } of packages) expect(out).toContain(`${name} ${version} (${license})`)
    // Apache-2.0 asks for the NOTICE too.
    expect(out).toContain('swagger-ui')
    expect(out).toContain('SmartBear')
    expect(out.split('Version 2.0, January 2004').length - 1).toBeLessThan(5)
  })
})

describe('the list of parts', () => {
  const readSchema = (name: string) =>
    Bun.file(inRepo('node_modules/@cyclonedx/cyclonedx-library/res/schema', `${name}.SNAPSHOT.schema.json`)).json()

  test('is a CycloneDX document by its own schema, with every package and its checksum', async () => {
    const text = await createSbom()
    expect(await createSbom()).toBe(text)
    const ajv = new Ajv({ strict: false, validateFormats: false })
    for (const name of ['spdx', 'jsf-0.82', 'cryptography-defs'])
      ajv.addSchema((await readSchema(name)) as object, `http://cyclonedx.org/schema/${name}.SNAPSHOT.schema.json`)
    addFormats.default(ajv)
    const validate = ajv.compile((await readSchema('bom-1.6')) as object)
    validate(JSON.parse(text))
    expect(validate.errors).toBeNull()
    const { components, dependencies } = JSON.parse(text) as {
      components: { 'bom-ref': string; purl: string; hashes?: { content: string }[]; properties?: object[] }[]
      dependencies: { ref: string; dependsOn?: string[] }[]
    }
    const refs = components.map((one) => one['bom-ref'])
    for (const { name, version } of packages) expect(refs).toContain(`${name}@${version}`)
    for (const one of components.filter(({ purl }) => purl.startsWith('pkg:npm/')))
      expect(one.hashes?.[0]?.content).toMatch(/^[0-9a-f]{128}$/)
    // What we changed is not what others know by that version.
    const patched = components.filter(({ properties }) => properties !== undefined)
    expect(patched.map(({ 'bom-ref': ref }) => ref.replace(/@[^@]*$/, ''))).toEqual(['@platformatic/kafka', 'postgres'])
    for (const { properties } of patched)
      expect(properties).toEqual([
        { name: 'orders:patch', value: expect.stringMatching(/^src\/(kafka|store)\/driver\/.+\.patch$/) },
      ])
    const uses = dependencies.find(({ ref }) => ref === `elysia@${named('elysia').version}`)!.dependsOn
    expect(uses).toContain(`memoirist@${named('memoirist').version}`)
    // One that is there in two versions: whoever uses it uses one of them.
    const loader = dependencies.find(({ ref }) => ref === `@grpc/proto-loader@${named('@grpc/proto-loader').version}`)!
    expect(loader.dependsOn!.filter((ref) => ref.startsWith('protobufjs@'))).toHaveLength(1)
  })
})

describe('the audit', () => {
  const advisory = (name: string, severity: string) => ({
    id: 1,
    url: `https://example.org/${name}`,
    title: `a hole in ${name}`,
    severity,
    vulnerable_versions: '>=0.0.0',
    cwe: [],
    cvss: { score: 5, vectorString: null },
  })
  let advisories: Record<string, object[]> = {}
  let registry: ReturnType<typeof Bun.serve>
  beforeAll(() => {
    registry = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => Response.json(advisories) })
  })
  afterAll(() => registry.stop(true))
  const env = () => ({ npm_config_registry: registry.url.href, BUN_CONFIG_REGISTRY: registry.url.href })

  test('names a hole in the binary, and a grave one in a tool', async () => {
    advisories = {}
    expect(await audit(env())).toBeTrue()
    advisories = {
      elysia: [advisory('elysia', 'low')],
      knip: [advisory('knip', 'moderate')],
      typescript: [advisory('typescript', 'high')],
    }
    const answer = await askRegistry(env())
    if (!answer.ok) throw new Error(answer.why)
    expect(auditFaults(answer.advisories, new Set(packages.map(({ name }) => name))).toSorted()).toEqual([
      'elysia: low: a hole in elysia (https://example.org/elysia)',
      'typescript: high: a hole in typescript (https://example.org/typescript)',
    ])
    expect(await audit(env())).toBeFalse()
  })

  test('says so where the registry does not answer', async () => {
    const nobody = { npm_config_registry: 'http://127.0.0.1:1/', BUN_CONFIG_REGISTRY: 'http://127.0.0.1:1/' }
    expect(await askRegistry(nobody)).toEqual({ ok: false, why: 'it did not answer' })
  })

  test('does not mind what nobody knows', () => {
    const advisories: Advisories = {}
    expect(auditFaults(advisories, new Set(['elysia']))).toEqual([])
  })
})

test('no release can be made to crash: only the tests’ own binary has crash points', async () => {
  const arming = async (path: string): Promise<boolean> =>
    Buffer.from(await Bun.file(path).arrayBuffer()).includes('ORDERS_TEST_CRASH')
  expect(await arming(await crashingBinary())).toBeTrue()
  expect(await arming(await binary())).toBeFalse()
})

test('the same sources make the same bytes, wherever they lie', async () => {
  const builds = await Promise.all(
    ['a', 'b/much/longer/path'].map(async (name) => {
      const folder = join(temporaryDir('build'), name)
      mkdirSync(folder, { recursive: true })
      for (const part of ['src', 'sql', 'package.json', 'tsconfig.json', 'bun.lock'])
        cpSync(inRepo(part), join(folder, part), { recursive: true })
      symlinkSync(inRepo('node_modules'), join(folder, 'node_modules'))
      const outfile = join(folder, 'dist', 'orders')
      const command = [process.execPath, 'src/build/build.ts', '--outfile', outfile]
      const child = Bun.spawn(command, {
        cwd: folder,
        env: { ...process.env, ORDERS_COMMIT: 'test' },
        stdio: ['ignore', 'ignore', 'inherit'],
      })
      expect(await child.exited).toBe(0)
      return new Bun.CryptoHasher('sha256').update(await Bun.file(outfile).arrayBuffer()).digest('hex')
    }),
  )
  expect(new Set(builds).size).toBe(1)
})
