/** When the automatic stop warns and acts. Counts are per agent. */
export type AutoStopLimits = {
  /** Payments that fail one after another. */
  consecutiveFailures: number
  /** Requests in an hour. */
  hourlyRate: number
  /** The same transfer in an hour: warn, then stop. */
  sameTransferWarn: number
  sameTransferStop: number
  /** Percent of a spending window of a day or more: warn, then stop. */
  dailyWarnPercent: number
  dailyStopPercent: number
  /** Refused because of the time, in an hour. */
  timeBreaches: number
}

export type AutoStopRule =
  | 'CONSECUTIVE_FAILURES'
  | 'HOURLY_RATE'
  | 'ANOMALY_PATTERN'
  | 'DAILY_LIMIT_THRESHOLD'
  | 'TIME_RESTRICTION'

/** What is remembered of an agent between events. Bounded: nothing older than an hour is kept. */
export type AutoStopState = {
  failures: number
  requests: number[]
  /** By fingerprint of the transfer, when it was asked for. */
  transfers: { [fingerprint: string]: number[] }
  breaches: number[]
  dailyWarned: boolean
}

export const emptyState: AutoStopState = { failures: 0, requests: [], transfers: {}, breaches: [], dailyWarned: false }

/** What happened to an agent, as far as the rules look at it. */
export type Happening =
  | { kind: 'requested'; at: number; hourAgo: number; fingerprint: string }
  | { kind: 'failed' | 'confirmed' | 'resumed'; at: number }
  | { kind: 'denied for the time'; at: number; hourAgo: number }
  /** Percent of the fullest daily window that is used. */
  | { kind: 'spent'; at: number; percent: number }

export type Finding = { rule: AutoStopRule; level: 'warn' | 'stop'; message: string }

/** The state after an event, and what is to be said or done about it. Pure. */
export function observe(
  state: AutoStopState,
  event: Happening,
  limits: AutoStopLimits,
): { state: AutoStopState; findings: Finding[] } {
  switch (event.kind) {
    case 'resumed':
      return { state: emptyState, findings: [] }
    case 'confirmed':
      return { state: { ...state, failures: 0 }, findings: [] }
    case 'failed':
      return afterFailure({ ...state, failures: state.failures + 1 }, limits)
    case 'requested':
      return afterRequest(state, event, limits)
    case 'denied for the time': {
      const breaches = recent(state.breaches, event)
      const message = `${breaches.length} payments within an hour outside of the allowed times.`
      const findings = breaches.length >= limits.timeBreaches ? [stop('TIME_RESTRICTION', message)] : []
      return { state: { ...state, breaches }, findings }
    }
    case 'spent':
      return afterSpending(state, event.percent, limits)
  }
}

function afterFailure(state: AutoStopState, limits: AutoStopLimits) {
  const message = `${state.failures} payments failed one after another.`
  return {
    state,
    findings: state.failures >= limits.consecutiveFailures ? [stop('CONSECUTIVE_FAILURES', message)] : [],
  }
}

function afterRequest(state: AutoStopState, event: Extract<Happening, { kind: 'requested' }>, limits: AutoStopLimits) {
  const requests = recent(state.requests, event)
  const kept = Object.entries(state.transfers).filter(([, times]) => times.at(-1)! > event.hourAgo)
  const same = recent(state.transfers[event.fingerprint] ?? [], event)
  const transfers = { ...Object.fromEntries(kept), [event.fingerprint]: same }
  const findings: Finding[] = []
  if (requests.length > limits.hourlyRate) {
    findings.push(stop('HOURLY_RATE', `${requests.length} payments were asked for within an hour.`))
  }
  const message = `The same transfer was asked for ${same.length} times within an hour.`
  if (same.length >= limits.sameTransferStop) findings.push(stop('ANOMALY_PATTERN', message))
  else if (same.length === limits.sameTransferWarn) findings.push({ rule: 'ANOMALY_PATTERN', level: 'warn', message })
  return { state: { ...state, requests, transfers }, findings }
}

function afterSpending(state: AutoStopState, percent: number, limits: AutoStopLimits) {
  const rule = 'DAILY_LIMIT_THRESHOLD'
  const message = `${percent} % of the daily limit are used.`
  if (percent >= limits.dailyStopPercent)
    return { state: { ...state, dailyWarned: true }, findings: [stop(rule, message)] }
  const high = percent >= limits.dailyWarnPercent
  const findings: Finding[] = high && !state.dailyWarned ? [{ rule, level: 'warn', message }] : []
  return { state: { ...state, dailyWarned: high }, findings }
}

function stop(rule: AutoStopRule, message: string): Finding {
  return { rule, level: 'stop', message }
}

/** The times of the last hour, and now. */
function recent(times: readonly number[], { at, hourAgo }: { at: number; hourAgo: number }): number[] {
  return [...times.filter((time) => time > hourAgo), at]
}
