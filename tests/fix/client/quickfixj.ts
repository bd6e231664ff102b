// QuickFIX/J, the library that speaks FIX for the firms of the tests, and the client program that is written with it: fetched by Maven and
// compiled once.

import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { findJava } from '../../stack/kafkaJars.ts'
import { mavenJars, type Artifact } from '../../stack/mavenJars.ts'
import { cacheDir } from '../../stack/paths.ts'
import { runTool } from '../../stack/server.ts'

const version = '2.3.2'
export const quickfixjArtifacts: readonly Artifact[] = [
  ['org.quickfixj', 'quickfixj-core', version],
  ['org.quickfixj', 'quickfixj-messages-fix44', version],
  // Without a binding its logging would complain.
  ['org.slf4j', 'slf4j-nop', '1.7.30'],
]

const home = join(cacheDir, `quickfixj-${version}`)
const source = join(import.meta.dir, 'FixClient.java')

/** The class path of the library alone. */
export const quickfixjClassPath = async (): Promise<string> => {
  const lib = join(home, 'lib')
  await mavenJars(lib, { what: 'QuickFIX/J', artifacts: quickfixjArtifacts })
  // Jar by jar: the compiler, run as a module, knows no wildcard.
  return readdirSync(lib)
    .map((jar) => join(lib, jar))
    .join(':')
}

/** Compiles one file of Java; answers the class path to run it with. The folder of its classes is named by its text. */
const compiled = async (file: string, options: readonly string[] = []): Promise<string> => {
  const libraries = await quickfixjClassPath()
  const hash = new Bun.CryptoHasher('sha256').update(await Bun.file(file).bytes()).digest('hex')
  const classes = join(home, hash.slice(0, 16))
  if (!existsSync(classes)) {
    const half = `${classes}.${process.pid}`
    mkdirSync(half, { recursive: true })
    // The compiler as a module of java itself: where only `java` is on the path, there may be no `javac`.
    const javac = [findJava(), '--module', 'jdk.compiler/com.sun.tools.javac.Main']
    const { exitCode, output } = await runTool([...javac, ...options, '-cp', libraries, '-d', half, file])
    if (exitCode !== 0) throw new Error(`${file} does not compile: ${output}`)
    if (existsSync(classes)) rmSync(half, { recursive: true })
    else renameSync(half, classes)
  }
  return [classes, libraries].join(':')
}

// Many sessions fit into little memory, and a client starts while the service runs on the same two cores.
const flags = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto', '-XX:-UsePerfData']

export const clientCommand = async (): Promise<string[]> => [
  findJava(),
  ...flags,
  '-cp',
  await compiled(source, ['-Xlint:all', '-Werror']),
  'FixClient',
]
