import { type RouteName, routes } from '@waiaas/core'
import { beforeEach, expect, test } from 'vitest'
import { WAIaaSAdminClient, WAIaaSClient, WAIaaSError, WAIaaSOwnerClient } from './index.ts'

const ID = '01890000-0000-7000-8000-000000000001'
const TO = '0x00000000000000000000000000000000000000AA'
const BASE = 'http://wallet.test'

type Asked = { method: string; path: string; headers: Headers; body: string | undefined }
let asked: Asked[] = []
beforeEach(() => {
  asked = []
})

/** Notes what is asked, and answers with every member that a client reads. */
const recorder: typeof fetch = async (input, init) => {
  const { pathname } = new URL(String(input))
  const body = typeof init?.body === 'string' ? init.body : undefined
  asked.push({ method: init?.method ?? 'GET', path: pathname, headers: new Headers(init?.headers), body })
  if (pathname === '/v1/events') return new Response('data: {"seq":1}\nid: 1\n\n')
  const challenge = {
    action: body?.includes('"reject"') ? 'reject' : 'approve',
    scheme: 'siwe',
    message: 'm',
    ownerAddress: TO,
    approval: { transactionId: ID },
  }
  return Response.json({ items: [], token: 'wai_new', content: '', ...challenge })
}

const options = { baseUrl: BASE, fetch: recorder, retries: 0 }
const wallet = new WAIaaSClient({ ...options, sessionToken: 'wai_sess_x' })
const admin = new WAIaaSAdminClient({ ...options, adminToken: 'wai_admin_x' })
const owner = new WAIaaSOwnerClient({ ...options, sign: async () => '0x00' })
const policy = { type: 'RATE_LIMIT', rules: { max_requests: 1, window_seconds: 60 } } as const
const payment = { to: TO, amount: '1' }

/** How each route is reached by a client. A route that is left out does not compile. */
const calls: Record<RouteName, () => Promise<unknown>> = {
  health: () => admin.health(),
  openApi: () => admin.openApi(),
  nonce: () => wallet.getNonce(),
  getSkill: () => wallet.getSkill('quickstart'),
  login: () => new WAIaaSAdminClient(options).login('secret'),
  logout: () => new WAIaaSAdminClient({ ...options, adminToken: 'wai_admin_y' }).logout(),
  adminStatus: () => admin.status(),
  killSwitch: () => admin.activateKillSwitch(),
  getKillSwitch: () => admin.getKillSwitchStatus(),
  recover: () => admin.recover(),
  rotateSecret: () => admin.rotateSecret(),
  shutdown: () => admin.shutdown(),
  continueTransaction: () => admin.continueTransaction(ID),
  raiseMaxFee: () => admin.raiseMaxFee(ID, '1'),
  proveTransaction: () => admin.proveTransaction(ID, 'http://127.0.0.1:8545'),
  writeOffTransaction: () => admin.writeOff(ID, { as: 'paid' }),
  listHeldAccounts: () => admin.listHeldAccounts(),
  releaseAccount: () => admin.releaseAccount({ network: 'evm-local', address: TO }),
  listAudit: () => admin.listAudit({ type: 'TX_SIGNED' }),
  verifyAudit: () => admin.verifyAudit(),
  getSettings: () => admin.getSettings(),
  updateSettings: () => admin.updateSettings({ 'policy.without_owner': 'deny' }),
  createAgent: () => admin.createAgent({ name: 'a' }),
  listAgents: () => admin.listAgents(),
  getAgent: () => admin.getAgent(ID),
  updateAgent: () => admin.updateAgent(ID, { name: 'b' }),
  addWallet: () => admin.addWallet(ID, 'solana'),
  removeOwner: () => admin.removeOwner(ID),
  setOwner: () => admin.setOwner(ID, TO),
  verifyOwner: () => owner.verify(ID),
  suspendAgent: () => admin.suspendAgent(ID),
  resumeAgent: () => admin.resumeAgent(ID),
  terminateAgent: () => admin.terminateAgent(ID),
  nameWithdrawAddress: () => owner.nameWithdrawAddress(ID, TO),
  withdraw: () => admin.withdraw(ID),
  createSession: () => admin.createSession({ agentId: ID }),
  listSessions: () => admin.listSessions(ID),
  revokeSession: () => admin.revokeSession(ID),
  renewSession: () => new WAIaaSClient({ ...options, sessionToken: 'wai_sess_x' }).renewSession(ID),
  createPolicy: () => admin.createPolicy(policy),
  listPolicies: () => admin.listPolicies(),
  updatePolicy: () => admin.updatePolicy(ID, { enabled: false }),
  deletePolicy: () => admin.deletePolicy(ID),
  simulatePolicy: () => admin.simulatePolicy({ agentId: ID, request: payment }),
  replayPolicy: () => admin.replayPolicy({ policies: [policy] }),
  walletAssets: () => wallet.getAssets(),
  listTokens: () => wallet.listTokens(),
  addToken: () => admin.addToken({ network: 'evm-local', address: TO }),
  removeToken: () => admin.removeToken({ network: 'evm-local', address: TO }),
  encodeCalldata: () => wallet.encodeCalldata({ abi: [{}], functionName: 'f' }),
  wallet: () => wallet.getWallet(),
  walletAddress: () => wallet.getAddress(),
  walletBalance: () => wallet.getBalance(),
  send: () => wallet.send(payment),
  sign: () => wallet.signTransaction({ transaction: '0x02' }),
  simulate: () => wallet.simulate(payment),
  listTransactions: () => wallet.listTransactions(),
  listPending: () => wallet.listPendingTransactions(),
  getTransaction: () => wallet.getTransaction(ID),
  getTrace: () => wallet.getTrace(ID),
  cancel: () => wallet.cancel(ID),
  approve: () => owner.approve(ID),
  reject: () => owner.reject(ID),
  challenge: () => owner.challenge('approve', ID),
  events: async () => {
    for await (const _ of wallet.events({ after: 0 })) return
  },
}

test.each(Object.keys(calls) as RouteName[])('%s is asked where the route table says', async (name) => {
  await calls[name]()
  const { method, path } = routes[name]
  const place = new RegExp(`^${path.replace(':name', 'quickstart').replace(/:\w+/g, ID)}$`)
  const found = asked.find((each) => each.method === method.toUpperCase() && place.test(each.path))
  expect(found, JSON.stringify(asked)).toBeDefined()
  if ('idempotent' in routes[name]) expect(found?.headers.get('idempotency-key')).toMatch(/^[0-9a-f-]{36}$/)
})

test('ids that are none never leave the program', async () => {
  const notAnId = '../admin'
  for (const call of [wallet.getTrace(notAnId), admin.addWallet(notAnId, 'evm'), admin.getTrace(notAnId)]) {
    await expect(call).rejects.toBeInstanceOf(WAIaaSError)
  }
  await expect(wallet.signTransaction({ transaction: '' })).rejects.toMatchObject({ code: 'VALIDATION_FAILED' })
  expect(asked).toEqual([])
})
