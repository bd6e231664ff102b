// Proves: the Dockerfile makes its images from the build context alone, and the result serves with the image's files alone, as
// the compose file starts it: healthy by its own health checks, drained by its own stop signal, beside the engine of its own
// stage.

import { readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { inRepo } from '../../src/build/repository.ts'
import { freePort } from '../stack/ports.ts'
import { beforeAll, describe, expect, test } from '../support/explained.ts'
import { orderBody } from '../support/orderBody.ts'
import { temporaryDir } from '../support/servers.ts'
import { runBinary, startService } from '../support/service.ts'
import { until } from '../support/until.ts'
import { createWorld, type World } from '../support/world.ts'
import { contextFiles, copyContext } from './buildContext.ts'
import { readCompose } from './compose.ts'
import { commandIn, runIn, startIn } from './container.ts'
import { readDockerfile } from './dockerfile.ts'
import { pathIn, replay, type Image } from './replay.ts'
import { bases, manifest, shippedText } from './shipped.ts'

const dir = temporaryDir('images')
const context = join(dir, 'context')
const dockerfile = shippedText('Dockerfile')
const { services } = readCompose(shippedText('compose.yaml')).compose!

let images: Map<string, Image>
beforeAll(async () => {
  copyContext(inRepo(), contextFiles(inRepo(), shippedText('.dockerignore')), context)
  images = await replay({ stages: readDockerfile(dockerfile), context, target: join(dir, 'images'), bases })
})

const imageOf = (name: string): Image => images.get(services[name]!.build!.target)!

/** How this system lists the libraries of a program, and those that its bare image has. On a Mac the replay makes a program for Macs. */
const linker =
  process.platform === 'darwin'
    ? { list: ['otool', '-L'], allowed: /^(libSystem|libc\+\+|libicucore|libresolv)\b/ }
    : { list: ['ldd'], allowed: /^(linux-vdso|ld-linux[\w-]*|libc|libpthread|libdl|libm|libgcc_s|libstdc\+\+)\.so\b/ }

describe('the image of the service', () => {
  test('holds the binary and nothing else', () => {
    const { root, workdir } = imageOf('orders')
    const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => !entry.isDirectory())
    expect(files.map(({ name, parentPath }) => join(parentPath, name))).toEqual([join(root, 'orders')])
    expect(workdir).toBe('/home/nonroot')
  })

  test('is this version, with the licences of all that is in it', async () => {
    const version = await runIn(imageOf('orders'), ['/orders', '--version'])
    expect(version).toEqual({ exitCode: 0, out: `${manifest.version} (unknown)\n`, err: '' })
    const [inside, here] = [await runIn(imageOf('orders'), ['/orders', 'licenses']), await runBinary(['licenses'])]
    expect(inside.exitCode).toBe(0)
    expect(inside.out).toBe(here.out)
  })

  test('needs no library that distroless cc has not', async () => {
    const out = await Bun.spawn([...linker.list, pathIn(imageOf('orders'), '/orders')]).stdout.text()
    const libraries = [...out.matchAll(/^\s+(\S+)/gm)].map(([, library]) => basename(library!))
    expect(libraries.length).toBeGreaterThan(1)
    expect(libraries.filter((library) => !linker.allowed.test(library))).toEqual([])
  })

  test('runs as nobody, without a shell, and is told to stop by a signal that it handles', () => {
    const { user, stopSignal, entrypoint, cmd, env } = imageOf('orders')
    expect({ user, stopSignal, entrypoint, cmd, env }).toEqual({
      user: 'nonroot',
      stopSignal: 'SIGTERM',
      entrypoint: ['/orders'],
      cmd: ['serve'],
      env: { NODE_ENV: 'production' },
    })
  })
})

/** The variables that the compose file sets for a service; the addresses are those of the test's servers instead. */
const composeEnv = (name: string, { databaseUrl, env }: World): Record<string, string> => {
  const { host, pathname, username, password } = new URL(databaseUrl)
  const here: Record<string, string> = {
    SPRING_DATASOURCE_URL: `jdbc:postgresql://${host}${pathname}`,
    SPRING_DATASOURCE_USERNAME: decodeURIComponent(username),
    SPRING_DATASOURCE_PASSWORD: decodeURIComponent(password),
    KAFKA_BOOTSTRAP_SERVERS: env['KAFKA_BOOTSTRAP_SERVERS']!,
  }
  const set = Object.entries(services[name]!.environment!).map(([key, value]) => [key, here[key] ?? value])
  return Object.fromEntries(set) as Record<string, string>
}

/** Topics and a group that no other test has. */
const ownNames = ({ env }: World): Record<string, string> =>
  Object.fromEntries(Object.entries(env).filter(([key]) => /^KAFKA_(TOPIC|CONSUMER)_/.test(key)))

test('the images do what the compose file wants of them: start, be healthy, trade, stop', async () => {
  await using world = await createWorld()
  const [orders, engine] = [imageOf('orders'), imageOf('engine')]
  const port = await freePort()
  const env = { ...orders.env, ...composeEnv('orders', world), ...ownNames(world), SERVER_PORT: String(port) }
  const checks = [orders.health!, services['orders']!.healthcheck!.test.slice(1)]
  const codes = () => Promise.all(checks.map(async (argv) => (await runIn(orders, argv, env)).exitCode))
  expect(await codes()).toEqual([1, 1])

  const command = commandIn(orders, [...orders.entrypoint, ...orders.cmd])
  await using service = await startService({ command, cwd: pathIn(orders, '.'), env, port, wait: 'nothing' })
  await until(async () => (await codes()).every((code) => code === 0), { what: 'both health checks say 0' })

  const engineEnv = { ...composeEnv('engine', world), ...ownNames(world) }
  await using matching = startIn(engine, [...engine.entrypoint, ...engine.cmd], engineEnv)
  const output = matching.child.stdout.text()
  const ids: string[] = []
  for (const side of ['SELL', 'BUY']) ids.push(String((await service.post(orderBody({ side }))).json['id']))
  const statuses = () => Promise.all(ids.map(async (id) => (await service.http(`/orders/${id}`)).json['status']))
  await until(async () => (await statuses()).every((status) => status === 'FILLED'), { what: 'the engine filled both' })

  matching.child.kill('SIGTERM')
  expect(await matching.exited).toBe(0)
  expect(await output).toContain('"event":"stopped"')
  service.signal(orders.stopSignal as NodeJS.Signals)
  expect(await service.exited).toBe(0)
  expect(service.log.at(-1)).toMatchObject({ message: 'stopped' })
  expect(service.noise()).toBe('')
  expect(await codes()).toEqual([1, 1])
})

describe('a line that cannot be done is found', () => {
  let count = 0
  const replayed = (text: string): Promise<string> =>
    replay({ stages: readDockerfile(text), context, target: join(dir, `broken-${++count}`), bases }).then(
      () => 'it was done',
      (error: Error) => error.message,
    )

  test('a file that the build needs and no COPY brings', async () => {
    // Without packages the build gets no further, and this is quick.
    const lines = dockerfile.split('\n').filter((line) => !/^(RUN bun install|COPY src) /.test(line))
    expect(lines).toHaveLength(dockerfile.split('\n').length - 2)
    const output = await replayed(lines.join('\n'))
    expect(output).toMatch(/^RUN if /)
    expect(output).toContain('src/build/build.ts')
  })

  const first = `FROM oven/bun:${manifest.engines.bun} AS first\nWORKDIR /made\n`
  test.each<[string, string, string]>([
    [
      'nothing',
      'COPY src/main.ts ./\nRUN test -f main.ts && test -f /made/main.ts && bun -e "" > /file',
      'it was done',
    ],
    ['a source that is not sent', 'COPY README.md ./', 'COPY README.md: it is not in the build context'],
    ['a source above the context', 'COPY ../README.md ./', 'COPY ../README.md: it is not in the build context'],
    [
      'a source that no stage made',
      'FROM first AS second\nCOPY --from=first /made/x /x',
      'COPY /made/x: it is not in first',
    ],
    ['a command that ends otherwise than with 0', 'RUN true && exit 3', 'RUN true && exit 3: it ended with 3'],
    [
      'a script that package.json has not',
      'COPY package.json ./\nRUN bun run bild',
      'RUN bun run bild: it ended with 1',
    ],
    ['a command that the base image has not', 'RUN git --version', 'RUN git --version: it ended with 127'],
    ['a path of the system', 'RUN bun -e "" > /etc/passwd', 'the path /etc is not replayed'],
    ['a variable of this process', 'RUN test -z "$NODE_ENV" && test -z "$DATABASE_URL"', 'it was done'],
    ['an ARG for the stages that begin with it', 'ARG A=b\nFROM first AS second\nRUN test "$A" = b', 'it was done'],
    [
      'an ENV that is set for what follows',
      'ENV A=b\nFROM first AS second\nRUN test $A = c',
      'RUN test $A = c: it ended with 1',
    ],
  ])('%s', async (_, lines, fault) => {
    expect(await replayed(first + lines)).toContain(fault)
  })
})
