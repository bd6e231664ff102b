// Promises: the jars of a real Apache Kafka, from Maven Central through the ordinary `mvn`, kept in a cache so that
// Maven and a network are needed once; and a JDK to run them, or one sentence that says what is missing.

import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { cacheDir } from './paths.ts'
import { runTool } from './server.ts'
import { StackError } from './stackError.ts'

const kafkaVersion = '4.1.1'
/** The log4j that Kafka 4.1.1 was released with; its jar list lacks only the binding to slf4j. */
const log4jVersion = '2.24.3'
const javaVersionMin = 17
const home = join(cacheDir, `kafka-${kafkaVersion}`)

/** Answers the class path; downloads once. */
export async function kafkaClassPath(log?: (line: string) => void): Promise<string> {
  const lib = join(home, 'lib')
  if (!existsSync(lib)) await download(lib, log)
  return join(lib, '*')
}

/** The `java` of JAVA_HOME or of the path, when it is new enough. */
export function findJava(): string {
  const ofHome = process.env['JAVA_HOME'] && join(process.env['JAVA_HOME'], 'bin', 'java')
  const java = ofHome && existsSync(ofHome) ? ofHome : Bun.which('java')
  const need = `Kafka needs a JDK ${javaVersionMin} or newer`
  if (!java)
    throw new StackError(
      'JAVA_MISSING',
      `${need} and there is no \`java\` here: install one, or give KAFKA_BOOTSTRAP_SERVERS.`,
    )
  const version = Bun.spawnSync([java, '-version'], { stdout: 'ignore' }).stderr.toString()
  const major = Number(/version "(\d+)/.exec(version)?.[1] ?? 0)
  if (major >= javaVersionMin) return java
  throw new StackError(
    'JAVA_MISSING',
    `${need} and ${java} is ${major || 'not a working one'}: install one, or set JAVA_HOME.`,
  )
}

async function download(lib: string, log?: (line: string) => void): Promise<void> {
  const maven = Bun.which('mvn')
  if (!maven) {
    const how = 'install it (Debian: apt-get install maven), or give KAFKA_BOOTSTRAP_SERVERS.'
    throw new StackError('MAVEN_MISSING', `Maven fetches Kafka once and there is no \`mvn\` here: ${how}`)
  }
  log?.(`Kafka: downloading Apache Kafka ${kafkaVersion} with Maven (43 MB, once)`)
  mkdirSync(home, { recursive: true })
  const pom = join(home, 'pom.xml')
  const half = join(home, `lib.${process.pid}`)
  await Bun.write(pom, pomXml())
  const command = [maven, '-q', '-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${half}`]
  const { exitCode, output } = await runTool(command)
  if (exitCode !== 0) {
    throw new StackError('MAVEN_MISSING', `Maven could not fetch Kafka: ${output.split('\n')[0] ?? ''}`)
  }
  // Whole or not at all; of two that download at once, the second finds the folder and drops its own.
  if (existsSync(lib)) rmSync(half, { recursive: true })
  else renameSync(half, lib)
}

const pomXml = (): string => `<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>orders</groupId>
  <artifactId>kafka-for-dev-and-tests</artifactId>
  <version>1</version>
  <dependencies>
    ${dependency('org.apache.kafka', 'kafka_2.13', kafkaVersion)}
    ${dependency('org.apache.logging.log4j', 'log4j-slf4j-impl', log4jVersion)}
  </dependencies>
</project>
`

const dependency = (groupId: string, artifactId: string, version: string): string =>
  `<dependency><groupId>${groupId}</groupId><artifactId>${artifactId}</artifactId><version>${version}</version></dependency>`
