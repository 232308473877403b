import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import preact from '@preact/preset-vite'
import { defineConfig, type Plugin } from 'vite'

/** The signing page, one document for every transaction: the daemon answers `/approve/<transactionId>` with it. */
export default defineConfig({
  root: import.meta.dirname,
  base: '/approve/',
  plugins: [preact({ devToolsEnabled: false, prefreshEnabled: false }), precompress()],
  build: {
    target: 'es2022',
    modulePreload: false,
    // An inlined asset is a data: address, which the page's content security policy does not allow.
    assetsInlineLimit: 0,
  },
})

/** Writes a `.br` and a `.gz` beside every text file, so that the server compresses nothing itself. */
function precompress(): Plugin {
  const compressions = [
    { ending: '.br', compress: (data: Buffer) => promisify(brotliCompress)(data, { params: BROTLI_BEST }) },
    { ending: '.gz', compress: (data: Buffer) => promisify(gzip)(data, { level: 9 }) },
  ]
  return {
    name: 'precompress',
    apply: 'build',
    writeBundle: async ({ dir }) => {
      if (dir === undefined) throw new Error('precompress needs an output folder')
      const paths = await readdir(dir, { recursive: true })
      for (const path of paths.filter((name) => /\.(html|js|css|svg)$/.test(name))) {
        const data = await readFile(join(dir, path))
        for (const { ending, compress } of compressions) await writeFile(join(dir, path + ending), await compress(data))
      }
    },
  }
}

const BROTLI_BEST = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY }
