import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { readDaemonConfig, servedNetworks } from './config.ts'

const folder = mkdtempSync(join(tmpdir(), 'waiaas-config-'))
afterAll(() => rmSync(folder, { recursive: true }))

function read(text: string, env: Record<string, string> = {}) {
  writeFileSync(join(folder, 'config.toml'), text)
  return readDaemonConfig(folder, env)
}

test('an empty file gives a daemon that only this machine reaches', () => {
  expect(read('').daemon).toMatchObject({ hostname: '127.0.0.1', port: 3100, environment: 'testnet' })
})

test('the environment wins over the file', () => {
  expect(read('[daemon]\nport = 1', { WAIAAS_DAEMON_PORT: '2' }).daemon.port).toBe(2)
  const config = read('', { WAIAAS_RPC_BASE_SEPOLIA: 'https://node.example' })
  expect(servedNetworks(config)).toEqual([{ network: 'base-sepolia', rpcUrls: ['https://node.example'] }])
})

test('a network may have several nodes, in the file as a list and in the environment with commas', () => {
  const rpcUrls = ['https://a.example/key', 'https://b.example']
  expect(servedNetworks(read(`[rpc]\nbase_sepolia = ${JSON.stringify(rpcUrls)}`))).toEqual([
    { network: 'base-sepolia', rpcUrls },
  ])
  expect(servedNetworks(read('', { WAIAAS_RPC_BASE_SEPOLIA: rpcUrls.join(', ') }))[0]?.rpcUrls).toEqual(rpcUrls)
})

test('only networks of the environment are served', () => {
  const config = read('[rpc]\nbase_mainnet = "https://a.example"\nevm_local = "http://127.0.0.1:8545"')
  expect(servedNetworks(config).map(({ network }) => network)).toEqual(['evm-local'])
})

test('the operator may set at which depth blocks of a network count as final', () => {
  const config = read(
    '[rpc]\nbase_sepolia = "https://a.example"\nevm_local = "http://127.0.0.1:1"\n[finality]\nbase_sepolia = 600',
  )
  expect(servedNetworks(config)).toEqual([
    { network: 'base-sepolia', rpcUrls: ['https://a.example'], finalityDepth: 600n },
    { network: 'evm-local', rpcUrls: ['http://127.0.0.1:1'] },
  ])
  expect(read('', { WAIAAS_FINALITY_BASE_SEPOLIA: '64' }).finality).toEqual({ base_sepolia: 64 })
})

test.each([
  ['[finality]\nbase_sepolia = 0', 'finality.base_sepolia'],
  ['[finality]\nbase_sepolia = 1.5', 'finality.base_sepolia'],
  ['[finality]\nbase_sepolia = "deep"', 'finality.base_sepolia'],
  ['[finality]\nsolana_devnet = 32', "unknown key 'finality.solana_devnet'"],
  ['[daemon]\nhostname = "0.0.0.0"', 'trusted_proxy'],
  ['[daemon]\nhostname = "192.168.1.5"', 'trusted_proxy'],
  ['[daemon]\nhostnam = "x"', "did you mean 'daemon.hostname'"],
  ['[rpc]\nevm_local = "ftp://x"', 'rpc.evm_local'],
  ['[rpc]\nevm_local = ["http://127.0.0.1:1", "ftp://x"]', 'rpc.evm_local'],
  ['[rpc]\nevm_local = []', 'rpc.evm_local'],
  ['[daemon]\nenvironment = "mainnet"\n[demo]\nowner_url = "http://127.0.0.1:1"', 'demo.owner_url'],
])('%j is refused', (text, reason) => {
  expect(() => read(text)).toThrow(reason)
})
