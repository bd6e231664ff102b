// Promises: `bun run build` makes the one file that is shipped, the same bytes for the same sources, target and path.
// What each option guards against stands beside it; every one of them was a fault in a binary before.

import { parseArgs } from 'node:util'
import { notices } from './licenses.ts'
import { runtimePackages } from './packages.ts'
import { inRepo } from './repository.ts'
import { CommandFault, runCommand } from './command.ts'

const help = `bun run build [--outfile dist/orders] [--baseline | --target <bun target>]

Compiles src/main.ts with its runtime into one executable. Without a target it is made for this machine from the
running bun, offline. --baseline is this system's variant for processors without AVX2 (the image is built with it);
--target takes any of Bun's, such as bun-linux-arm64. Bun fetches another runtime once from the npm registry.
ORDERS_COMMIT names the commit where there is no git (the image).`

export interface BuildOptions {
  outfile: string
  target?: string
}

/** Answers the path of the executable. */
export async function buildBinary({ outfile, target }: BuildOptions): Promise<string> {
  try {
    await Bun.build({
      entrypoints: [inRepo('src', 'main.ts')],
      compile: {
        outfile,
        ...(target !== undefined && { target: target as Bun.Build.CompileTarget }),
        // A binary must not pick up files of the folder that it happens to be started in.
        autoloadDotenv: false,
        autoloadBunfig: false,
        autoloadTsconfig: false,
        autoloadPackageJson: false,
      },
      // Never the identifiers: Elysia compares constructor names in the code that it generates.
      minify: { whitespace: true, syntax: true, identifiers: false },
      define: await definitions(),
    })
  } catch (error) {
    const faults = error instanceof AggregateError ? error.errors : [error]
    throw new CommandFault(`the build failed:\n${faults.map(String).join('\n')}`)
  }
  return outfile
}

/** Values that are written into the code, so that the binary knows them without its surroundings. */
async function definitions(): Promise<Record<string, string>> {
  const { version } = (await Bun.file(inRepo('package.json')).json()) as { version: string }
  return {
    'process.env.NODE_ENV': '"production"',
    'process.env.ORDERS_VERSION': JSON.stringify(version),
    'process.env.ORDERS_NOTICES': JSON.stringify(notices(runtimePackages())),
    'process.env.ORDERS_COMMIT': JSON.stringify(process.env['ORDERS_COMMIT'] || commit()),
  }
}

const git = (...args: string[]) => Bun.spawnSync(['git', '-C', inRepo(), ...args], { stderr: 'ignore' })

function commit(): string {
  if (!Bun.which('git')) return 'unknown'
  const head = git('rev-parse', '--short=12', 'HEAD')
  if (head.exitCode !== 0) return 'unknown'
  const changed = git('status', '--porcelain', '--', 'src', 'sql', 'package.json', 'bun.lock').stdout.length > 0
  return `${head.stdout.toString().trim()}${changed ? '-dirty' : ''}`
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      help: { type: 'boolean' },
      baseline: { type: 'boolean' },
      target: { type: 'string' },
      outfile: { type: 'string', default: inRepo('dist', 'orders') },
    },
  })
  if (values.help) {
    console.log(help)
    return 0
  }
  const baseline = values.baseline ? `bun-${process.platform}-${process.arch}-baseline` : undefined
  const target = values.target ?? baseline
  const outfile = await buildBinary({ outfile: values.outfile, ...(target !== undefined && { target }) })
  console.log(
    `${outfile} (${(Bun.file(outfile).size / 1e6).toFixed(0)} MB, ${target ?? `this machine, bun ${Bun.version}`})`,
  )
  return 0
}

if (import.meta.main) await runCommand(main)
