// `bun run build`: makes the one file that is shipped, the same bytes for the same sources, target and path.
// A comment beside each option says which fault it prevents; each of these faults was in a binary before.

import { parseArgs } from 'node:util'
import { readCommit, readVersion } from '../checkout.ts'
import { bundlePage } from '../pageFiles.ts'
import { CommandFault, runCommand } from './command.ts'
import { notices } from './licenses.ts'
import { runtimePackages } from './packages.ts'
import { inRepo } from './repository.ts'

const help = `bun run build [--outfile dist/orders] [--baseline | --target <bun target>] [--crash-points]

Compiles src/main.ts with its runtime into one executable. Without a target it is made for this machine from the
running bun, offline. --baseline is this system's variant for processors without AVX2 (the image is built with it);
--target takes any of Bun's, such as bun-linux-arm64. Bun fetches another runtime once from the npm registry.
--crash-points leaves in what kills the process when a test asks for it; never ship such a file.
ORDERS_COMMIT names the commit where there is no git (the image).`

export type BuildOptions = {
  /** The path of the executable. */
  outfile: string
  /** One of Bun's targets; undefined is this machine. */
  target?: string | undefined
  /** Leaves in the crash points of src/app/crashPoint.ts: for tests, never for a release. */
  crashPoints?: boolean
}

/** Values that are written into the code, so that the binary knows them without its surroundings. */
const definitions = async ({ crashPoints = false }: BuildOptions): Promise<Record<string, string>> => {
  const values = {
    NODE_ENV: 'production',
    ORDERS_VERSION: readVersion(),
    ORDERS_COMMIT: process.env['ORDERS_COMMIT'] || readCommit(),
    ORDERS_NOTICES: notices(runtimePackages()),
    ORDERS_PAGE: JSON.stringify(await bundlePage()),
    ...(crashPoints ? {} : { ORDERS_CRASH_POINTS: 'none' }),
  }
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [`process.env.${name}`, JSON.stringify(value)]),
  )
}

/** Returns the path of the executable. Throws a CommandFault with Bun's reasons. */
export const buildBinary = async (options: BuildOptions): Promise<string> => {
  const { outfile, target } = options
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
      // The sources are compiled when they are built, not at every start. Top-level await needs the format.
      bytecode: true,
      format: 'esm',
      // Never the identifiers: Elysia compares constructor names in the code that it generates.
      minify: { whitespace: true, syntax: true, identifiers: false },
      define: await definitions(options),
    })
  } catch (error) {
    const faults = error instanceof AggregateError ? error.errors : [error]
    throw new CommandFault(`the build failed:\n${faults.map(String).join('\n')}`)
  }
  return outfile
}

const main = async (): Promise<number> => {
  const { values } = parseArgs({
    options: {
      help: { type: 'boolean' },
      baseline: { type: 'boolean' },
      target: { type: 'string' },
      outfile: { type: 'string', default: inRepo('dist', 'orders') },
      'crash-points': { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.log(help)
    return 0
  }
  const baseline = values.baseline ? `bun-${process.platform}-${process.arch}-baseline` : undefined
  const target = values.target ?? baseline
  const outfile = await buildBinary({ outfile: values.outfile, target, crashPoints: values['crash-points'] })
  console.log(
    `${outfile} (${(Bun.file(outfile).size / 1e6).toFixed(0)} MB, ${target ?? `this machine, bun ${Bun.version}`})`,
  )
  return 0
}

if (import.meta.main) await runCommand(main)
