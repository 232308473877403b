import { loadConfig } from '@openpista/common'
import { type NetworkName, networkNames, networkOf } from '@waiaas/core'
import { z } from 'zod'
import { FEE_HEADROOM_PERCENT, type ServedNetwork } from './chains/chain-adapter.ts'
import type { AutoStopSettings } from './engine/auto-stop.ts'
import { isLoopback } from './http/request-guard.ts'
import { dataPaths } from './paths.ts'

const HttpUrl = z.url({ protocol: /^https?$/, error: 'must be an http or https address' })
/** One address or several, the preferred one first; in the environment with commas between them. */
export const NodeUrls = z.preprocess(
  (value) => (typeof value === 'string' ? value.split(',').map((url) => url.trim()) : value),
  z.array(HttpUrl).min(1).max(8),
)
const perMinute = z.number().int().min(1).max(1_000_000)

const count = z.number().int().min(1).max(1_000_000)

const rpcKeys = Object.fromEntries(networkNames.map((name) => [rpcKey(name), NodeUrls.optional()]))

const blocks = z.number().int().min(1).max(100_000)
/** Solana tells by itself which slots are final, and no depth stands in for that. */
const finalityKeys = Object.fromEntries(
  networkNames.filter((name) => networkOf(name).chainId !== undefined).map((name) => [rpcKey(name), blocks.optional()]),
)

/** Everything that config.toml may say. `WAIAAS_<SECTION>_<KEY>` in the environment wins over the file. */
export const DaemonConfig = z
  .strictObject({
    daemon: z
      .strictObject({
        /** 0: any free port; the ready line and run/daemon.json tell which. */
        port: z.number().int().min(0).max(65_535).default(3100),
        hostname: z.string().default('127.0.0.1'),
        /** True behind a proxy that ends TLS; only then may `hostname` be other than loopback. */
        trusted_proxy: z.boolean().default(false),
        /** Host names besides the loopback ones that requests may be made for. */
        allowed_hosts: z.array(z.string().toLowerCase()).default([]),
        log_level: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
        environment: z.enum(['mainnet', 'testnet']).default('testnet'),
      })
      .prefault({}),
    /** Addresses of nodes. A network without one is not served. */
    rpc: z.strictObject(rpcKeys).prefault({}),
    /** Blocks below the newest one at which a block counts as final, for networks whose nodes name none that can be trusted. */
    finality: z.strictObject(finalityKeys).prefault({}),
    fees: z
      .strictObject({
        /** EVM: how much dearer than at first a transaction may become when it is replaced. Reserved and approved with it; 0: never. */
        replacement_headroom_percent: z.number().int().min(0).max(1_000).default(FEE_HEADROOM_PERCENT),
      })
      .prefault({}),
    policy: z
      .strictObject({
        /** What becomes of an APPROVAL while no owner is registered. */
        without_owner: z.enum(['delay', 'deny']).default('delay'),
      })
      .prefault({}),
    security: z
      .strictObject({
        /** Requests a minute to one public route from one address. */
        rate_limit_public_rpm: perMinute.default(120),
        rate_limit_session_rpm: perMinute.default(300),
        rate_limit_operator_rpm: perMinute.default(1200),
        /** Payments of one agent that may wait at once, for time or for the owner. */
        max_queued_per_agent: z.number().int().min(1).max(10_000).default(100),
        /** Seconds from POST /v1/admin/recover until the kill switch is off, where an owner signed for it. */
        recovery_wait_seconds: z.number().int().min(0).max(604_800).default(1800),
        /** The same without an owner. */
        recovery_wait_without_owner_seconds: z.number().int().min(0).max(604_800).default(86_400),
      })
      .prefault({}),
    /** Stops an agent that behaves like one gone astray. Counts are of one agent, rates of an hour. */
    auto_stop: z
      .strictObject({
        enabled: z.boolean().default(true),
        /** Suspend the agent, or turn the kill switch on. */
        action: z.enum(['suspend', 'kill_switch']).default('suspend'),
        consecutive_failures: count.default(3),
        hourly_rate: count.default(50),
        same_transfer_warn: count.default(10),
        same_transfer_stop: count.default(20),
        /** Of a spending window of a day or more. */
        daily_warn_percent: count.default(80),
        daily_stop_percent: count.default(100),
        /** Payments refused for the time of day. */
        time_breaches: count.default(3),
      })
      .prefault({}),
    demo: z
      .strictObject({
        /** A program that signs as a demo owner; only where nothing has value. */
        owner_url: HttpUrl.optional(),
      })
      .prefault({}),
  })
  .superRefine((config, context) => {
    const { hostname, trusted_proxy, environment } = config.daemon
    if (!isLoopback(hostname) && !trusted_proxy) {
      const message = `${hostname} can be reached from outside: put a proxy with TLS in front and set daemon.trusted_proxy = true`
      context.addIssue({ code: 'custom', path: ['daemon', 'hostname'], message })
    }
    if (config.demo.owner_url !== undefined && environment === 'mainnet') {
      const message = 'a demo owner may not sign for mainnet'
      context.addIssue({ code: 'custom', path: ['demo', 'owner_url'], message })
    }
  })
export type DaemonConfig = z.output<typeof DaemonConfig>

/** The key of a network's node under [rpc]. */
export function rpcKey(name: NetworkName): string {
  return name.replaceAll('-', '_')
}

/** @throws AppError CONFIG_INVALID that names the key. */
export function readDaemonConfig(dataDir: string, env: Readonly<Record<string, string | undefined>>): DaemonConfig {
  return loadConfig(DaemonConfig, { file: dataPaths(dataDir).config, env, envKeys: envKeys() })
}

export function autoStopSettings({ auto_stop }: DaemonConfig): AutoStopSettings {
  return {
    enabled: auto_stop.enabled,
    action: auto_stop.action,
    consecutiveFailures: auto_stop.consecutive_failures,
    hourlyRate: auto_stop.hourly_rate,
    sameTransferWarn: auto_stop.same_transfer_warn,
    sameTransferStop: auto_stop.same_transfer_stop,
    dailyWarnPercent: auto_stop.daily_warn_percent,
    dailyStopPercent: auto_stop.daily_stop_percent,
    timeBreaches: auto_stop.time_breaches,
  }
}

/** Networks of this environment that have a node, with the addresses and what is set for them. */
export function servedNetworks(config: DaemonConfig): ServedNetwork[] {
  const rpc: Readonly<Record<string, string[] | undefined>> = config.rpc
  const finality: Readonly<Record<string, number | undefined>> = config.finality
  return networkNames.flatMap((name) => {
    const rpcUrls = rpc[rpcKey(name)]
    if (rpcUrls === undefined || networkOf(name).environment !== config.daemon.environment) return []
    const depth = finality[rpcKey(name)]
    return [{ network: name, rpcUrls, ...(depth !== undefined && { finalityDepth: BigInt(depth) }) }]
  })
}

function envKeys(): Record<string, string> {
  const keys: Record<string, string> = {}
  for (const [section, schema] of Object.entries(DaemonConfig.shape)) {
    for (const key of Object.keys(schema.unwrap().shape)) {
      keys[`WAIAAS_${section}_${key}`.toUpperCase()] = `${section}.${key}`
    }
  }
  return keys
}
